"""The list of packages that goes with an installer: complete, the same every time, in CycloneDX's words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from installer import sbom
from tsdesktop import __version__


def packed(folder: Path, name: str, version: str, **fields: str) -> None:
    told = folder / f"{name}-{version}.dist-info"
    told.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"{field.replace('_', '-')}: {value}" for field, value in fields.items()]
    (told / "METADATA").write_text("\n".join(lines) + "\n")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    packed(tmp_path / "_internal", "tsdesktop", "0.1.0")
    packed(
        tmp_path / "_internal",
        "torch",
        "2.13.0+cpu",
        License_Expression="BSD-3-Clause",
        Home_page="https://pytorch.org",
    )
    packed(tmp_path / "_internal", "PySide6_Essentials", "6.11", Project_URL="Homepage, https://pyside.org")
    packed(tmp_path / "more", "vtk", "9.7", License="UNKNOWN", Classifier="License :: OSI Approved :: BSD License")
    return tmp_path


def test_what_was_packed_is_listed(program: Path, tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    assert sbom.main([str(out), str(program)]) == 0
    told = json.loads(out.read_text())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert told["metadata"]["component"]["version"] == __version__
    assert [each["purl"] for each in told["components"]] == [
        "pkg:pypi/pyside6-essentials@6.11",
        "pkg:pypi/torch@2.13.0%2Bcpu",
        "pkg:pypi/vtk@9.7",
    ]
    pyside, torch, vtk = told["components"]
    assert torch["licenses"] == [{"expression": "BSD-3-Clause"}] and "licenses" not in pyside
    assert vtk["licenses"] == [{"license": {"name": "BSD License"}}]
    assert pyside["externalReferences"] == [{"type": "website", "url": "https://pyside.org"}]
    assert set(told["dependencies"][0]["dependsOn"]) == {each["bom-ref"] for each in told["components"]}


def test_the_same_packages_give_the_same_bytes(program: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    sbom.main([str(first), str(program)])
    sbom.main([str(second), str(program)])
    assert first.read_bytes() == second.read_bytes()
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", json.loads(first.read_text())["serialNumber"])


def test_an_empty_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sbom.main([str(tmp_path / "sbom.json"), str(tmp_path)]) == 1
    assert "No packages" in capsys.readouterr().out and not (tmp_path / "sbom.json").exists()


def test_this_environment_has_what_the_program_needs(tmp_path: Path) -> None:
    assert sbom.main([str(tmp_path / "sbom.json")]) == 0
    names = {each["name"].lower() for each in json.loads((tmp_path / "sbom.json").read_text())["components"]}
    assert {"numpy", "torch", "vtk", "pyside6_essentials"} <= names and "pytest" not in names
