"""The parts of a self-test: what they find wrong, and that a crash, a hang and a wish to stop are heard."""

from __future__ import annotations

import ast
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from installer import contents, texts
from tsdesktop.core import assets, installation
from tsdesktop.core.errors import Cancelled, ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.installation import CONTENTS, LIBRARIES, Library, digest_of, file_problems, loading_problem
from tsdesktop.core.self_test import LABELS_FILE, STEPS, Step, Voice, note_of
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.translation import REASONS
from tsdesktop.pipeline import self_test, self_test_children
from tsdesktop.pipeline.self_test import check_in_child
from tsdesktop.pipeline.self_test_children import Part, try_part
from tsdesktop.pipeline.self_test_computing import EXPECTED_ML, stl_problems, volume_problems, write_stl
from tsdesktop.pipeline.self_test_report import report_of

PACKAGE = Path(self_test.__file__).resolve().parents[1]
_PART = Part("check-window", (), ("window",), patience_s=20.0)


# libraries and files


def test_every_library_that_the_program_imports_is_checked() -> None:
    checked = {module for each in LIBRARIES for module in each.modules}
    imported = {
        name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imported(node)
    }
    others = {each for each in imported if each.split(".")[0] not in {*sys.stdlib_module_names, "tsdesktop"}}
    assert others - checked == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def test_the_list_of_files_is_up_to_date() -> None:
    listed = json.loads((contents.ASSETS / CONTENTS).read_text(encoding="utf-8"))
    assert listed == contents.contents(), "run: .venv/bin/python installer/contents.py"
    assert any(name.startswith("sample/") and digest for name, digest in listed.items())


def test_files_that_are_missing_damaged_or_empty_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"demo/a.pth": b"weights", "b.json": b"{}\n", "c.png": b"", "d.txt": b"text\n"}
    listed = {name: digest_of(name, content) for name, content in files.items()} | {"gone.svg": "", "c.png": ""}
    for name, content in {**files, "demo/a.pth": b"weighty", "d.txt": b"text\r\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(installation, "assets_folder", lambda: tmp_path)
    monkeypatch.setattr(installation, "load_json", lambda _: listed)
    found = {str(each.arguments["name"]): each.id for each in file_problems()}
    assert found == {
        "demo/a.pth": "check.file_damaged",
        "c.png": "check.file_damaged",
        "gone.svg": "check.file_missing",
    }


def test_without_the_list_that_is_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "assets_folder", lambda: tmp_path)
    monkeypatch.setattr(installation, "load_json", assets.load_json.__wrapped__)
    assert [each.sentence for each in file_problems()] == [f"{CONTENTS} is missing among the files of the program."]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import nowhere", "The library broken cannot be loaded: No module named 'nowhere'."),
        (
            "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')",
            "broken cannot be loaded: the system has no libGL.so.1.",
        ),
        (
            "raise OSError('/home/meier/lib/core.so: undefined symbol: abc')",
            "The library broken cannot be loaded: <path>: undefined symbol: abc.",
        ),
        ("", "The library broken cannot be loaded: module 'broken' has no attribute 'start'."),
    ],
)
def test_what_keeps_a_library_from_being_loaded(
    code: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    problem = loading_problem(Library("broken", ("broken",), call="start"))
    assert problem is not None and problem.sentence == sentence


# processes


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in place of the program's executable: it gets `voice` to speak with, and `arguments`."""
    script = tmp_path / "child.py"
    head = (
        "import os, signal, sys, time\nfrom pathlib import Path\n"
        "from tsdesktop.core.self_test import *\nfrom tsdesktop.core.notes import note\n"
        "voice, arguments = Voice(Path(sys.argv[1])), sys.argv[2:]\n"
    )
    script.write_text(head)
    monkeypatch.setattr(self_test_children, "own_command", lambda: [sys.executable, str(script)])
    return script


def _says(script: Path, *lines: str) -> None:
    script.write_text(script.read_text() + "\n".join(lines) + "\n")


def test_what_a_process_says_becomes_steps(child: Path, tmp_path: Path) -> None:
    _says(
        child,
        "voice.begin('devices'); voice.fact('versions', {'a': '1'}); voice.fact('versions', {'b': '2'})",
        "voice.begin('segmentation'); voice.problem(note('check.codec', name='RLE'))",
        "voice.end()",
    )
    heard: list[object] = []
    outcome = try_part(Part("x", (), ("devices", "segmentation", "export")), tmp_path, heard.append)
    assert [each.state for each in outcome.steps] == ["ok", "failed", "skipped"]
    assert outcome.steps[0].facts == {"versions": {"a": "1", "b": "2"}} and outcome.broke_at == ""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_crash_is_told_with_what_was_tried(child: Path, tmp_path: Path) -> None:
    _says(child, "voice.begin('window'); voice.trying('3D view'); os.kill(os.getpid(), signal.SIGSEGV)")
    heard: list[object] = []
    outcome = try_part(_PART, tmp_path, heard.append)
    (problem,) = outcome.steps[0].problems
    assert problem.sentence == "The program ended unexpectedly at this step: 3D view (SIGSEGV)."
    assert heard == ["3D view"] and outcome.broke_at == "3D view"


def test_an_error_before_anything_was_said_is_told_without_paths(child: Path, tmp_path: Path) -> None:
    _says(child, "raise ImportError('no Qt in /home/meier/lib')")
    (problem,) = try_part(_PART, tmp_path, lambda _: None).steps[0].problems
    assert problem.sentence == "This step could not be finished: window (ImportError: no Qt in <path>)."


def test_a_crash_at_the_very_end_is_told(child: Path, tmp_path: Path) -> None:
    _says(child, "voice.begin('window'); voice.trying('closing'); voice.end(); os._exit(7)")
    (step,) = try_part(_PART, tmp_path, lambda _: None).steps
    assert step.state == "failed" and "closing (exit code 7)" in step.problems[0].sentence


def test_a_process_that_hangs_is_ended(child: Path, tmp_path: Path) -> None:
    _says(child, "voice.begin('window'); voice.trying('3D view'); time.sleep(60)")
    part = Part("x", (), ("window",), patience_s=1.0)
    (problem,) = try_part(part, tmp_path, lambda _: None).steps[0].problems
    assert problem.sentence == "This step did not end within 1 seconds: 3D view."


def test_a_wish_to_stop_ends_the_process(child: Path, tmp_path: Path) -> None:
    _says(child, "voice.begin('window'); voice.trying('x'); time.sleep(60)")
    heard: list[object] = []

    def check() -> None:
        if heard:
            raise Cancelled

    with pytest.raises(Cancelled):
        try_part(_PART, tmp_path, heard.append, check)
    assert not any(str(child) in " ".join(each.cmdline()) for each in psutil.Process().children())


def test_a_process_ends_with_the_one_that_started_it(child: Path, tmp_path: Path) -> None:
    _says(child, "end_with_parent(); voice.begin('window'); time.sleep(60)")
    (tmp_path / "answers").touch()
    command = [sys.executable, str(child), str(tmp_path / "answers")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        time.sleep(0.5)
        process.stdin.close()
        assert process.wait(10) == 1


def test_libraries_after_one_that_crashes_are_loaded_by_another_process(
    child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tuple(Library(name, (name,)) for name in ("first", "second", "third"))
    monkeypatch.setattr(self_test, "LIBRARIES", libraries)
    _says(
        child,
        "voice.begin('libraries')",
        "for name in arguments[1:]:",
        "    voice.trying(name)",
        "    if name == 'second': os._exit(3)",
        "    voice.fact('versions', {name: '1'})",
        "voice.end()",
    )
    step = self_test._libraries("libraries", tmp_path, lambda _: None, lambda: None)
    assert step.facts == {"versions": {"first": "1", "third": "1"}}
    assert [each.sentence for each in step.problems] == ["This step could not be finished: second (exit code 3)."]


def test_the_window_hears_every_step_and_gets_a_report(child: Path) -> None:
    _says(
        child,
        "voice.step(Step('files', 'ok', 0.1, (), {'files': 3}))",
        "voice.step(Step('libraries', 'failed', 0.1, (note('check.codec', name='RLE'),)))",
        "os._exit(5)",
    )
    heard: list[object] = []
    steps, report = check_in_child(heard.append, lambda: None)
    assert [each.name for each in heard if isinstance(each, Step)] == ["files", "libraries"]
    assert [each.state for each in steps[:2]] == ["ok", "failed"] and len(steps) == len(STEPS)
    assert report["ok"] is False and report["steps"][0]["facts"] == {"files": 3}


def test_a_part_has_folders_of_its_own_but_the_libraries_that_were_fetched(
    child: Path, tmp_path: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", "/mine")
    _says(
        child,
        "from tsdesktop.core.settings import data_folder",
        "from tsdesktop.runtimes.places import runtimes_folder",
        "from tsdesktop.weights.places import own_weights_folder",
        "voice.begin('window'); voice.fact('data', str(data_folder()))",
        "voice.fact('libraries', str(runtimes_folder())); voice.fact('weights', str(own_weights_folder()))",
        "voice.end()",
    )
    facts = try_part(_PART, tmp_path, lambda _: None).steps[0].facts
    assert facts["data"] == str(tmp_path / "data") and facts["weights"] == str(tmp_path / "data" / "weights")
    assert facts["libraries"] == str(own_data_folder / "runtimes")


# a run, an export


def test_the_sample_is_segmented_exported_and_read_back(tmp_path: Path, own_data_folder: Path) -> None:
    part = Part(
        "check-run", (str(tmp_path), "devices", "segmentation", "export"), ("devices", "segmentation", "export")
    )
    devices, segmentation, export = try_part(part, tmp_path, lambda _: None).steps
    assert [each.state for each in (devices, segmentation, export)] == ["ok"] * 3
    assert any(each["name"] == "cpu" for each in devices.facts["devices"]) and devices.facts["processor_features"]
    assert segmentation.facts["structures"] == 33
    assert export.facts["closed"] and export.facts["volume_ml"] == pytest.approx(EXPECTED_ML["liver"], rel=0.02)
    assert (tmp_path / LABELS_FILE).is_file()
    assert list(own_data_folder.iterdir()) == []


@pytest.fixture
def liver() -> LabelMap:
    """A ball of 30 mm radius (113.1 ml) on an oblique, anisotropic grid."""
    shape, spacing_mm = (60, 50, 40), np.array([1.5, 1.7, 2.4])
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [20, -30, 40], degrees=True).as_matrix() * spacing_mm
    axes = [(np.arange(n) - n / 2) * step for n, step in zip(shape, spacing_mm, strict=True)]
    inside = sum(each**2 for each in np.meshgrid(*axes, indexing="ij")) < 30.0**2
    return LabelMap(inside.astype(np.uint8), Geometry(shape, affine), (structure_class(1, "liver"),))


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    return Voice(tmp_path / "said.jsonl")


def test_a_good_export_has_nothing_wrong(liver: LabelMap, voice: Voice, tmp_path: Path) -> None:
    assert stl_problems(voice, write_stl(liver, tmp_path), 4 / 3 * np.pi * 30**3 / 1000) == []


def test_an_open_or_shrunken_surface_is_found(liver: LabelMap, voice: Voice, tmp_path: Path) -> None:
    path = write_stl(liver, tmp_path)
    mesh = trimesh.load_mesh(path)
    mesh.update_faces(np.arange(len(mesh.faces)) > 0)
    mesh.export(tmp_path / "open.stl")
    mesh.vertices *= 0.9
    mesh.export(tmp_path / "small.stl")
    expected_ml = liver.volume_ml(1)
    assert [each.id for each in stl_problems(voice, tmp_path / "open.stl", expected_ml)] == ["check.mesh_open"]
    small = [each.id for each in stl_problems(voice, tmp_path / "small.stl", expected_ml)]
    assert small == ["check.mesh_open", "check.mesh_volume"]


def test_what_is_tried_has_words_in_every_language() -> None:
    said = {
        str(node.args[0].value)
        for path in (PACKAGE / "gui" / "self_test.py", PACKAGE / "pipeline" / "self_test_computing.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "trying"
        if isinstance(node.args[0], ast.Constant)
    }
    assert said and said | set(STEPS) <= {*REASONS, *texts.reasons()}


def test_other_volumes_than_expected_are_told(voice: Voice) -> None:
    """One voxel is 1 ml: the liver has a tenth less than it should have, the others are right."""
    volumes = {name: round(value) for name, value in EXPECTED_ML.items()} | {"liver": 1248}
    array = np.zeros((2500, 1, 1), np.uint8)
    array[: sum(volumes.values()), 0, 0] = np.repeat(np.arange(1, len(volumes) + 1), list(volumes.values()))
    classes = tuple(structure_class(label, name) for label, name in enumerate(volumes, 1))
    found = LabelMap(array, Geometry(array.shape, np.diag([10.0, 10.0, 10.0, 1.0])), classes)
    assert [each.sentence for each in volume_problems(voice, found)] == [
        "The demo network found 1248.0 ml of liver in the sample instead of 1387.0 ml."
    ]


# reports


def test_a_report_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/annameier")
    monkeypatch.setattr(platform, "node", lambda: "radiology-7")
    facts = {"devices": [{"title": "card of annameier on radiology-7", "memory_gb": 8.0}], "place": "/home/annameier/x"}
    problem = note_of(ReadError("read.broken", name="scan", reason="/home/annameier/meier.nii is short"))
    text = json.dumps(report_of((Step("devices", "failed", 0.1, (problem,), facts),), 1.0))
    assert not [each for each in ("annameier", "radiology", "/home", "meier.nii") if each in text]
    assert '"memory_gb": 8.0' in text and "is short" in text


def test_a_report_tells_what_the_computer_is() -> None:
    report = report_of((Step("files", "ok"),), 12.34)
    assert report["ok"] is True and report["seconds"] == 12.3 and report["format"] == 1
    assert report["program"]["packaged"] is False and report["processor"]["threads"] == os.cpu_count()
    assert report["memory_gb"]["total"] == pytest.approx(psutil.virtual_memory().total / 2**30, abs=0.1)


def test_a_step_that_was_skipped_is_not_well() -> None:
    assert report_of((Step("files", "ok"), Step("export", "skipped")), 1.0)["ok"] is False
