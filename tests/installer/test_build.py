"""The installers, as far as they can be tested without making a program: facts, staged tree, files for the desktop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from installer import briefcase_route, build, dev, program, start, weights_of_parts
from installer.facts import TOP, Facts, read_facts
from installer.linux import appimage, deb, desktop, libraries
from installer.pruned import missing_libraries, read_libraries, read_pruning
from installer.windows.version import version_numbers, version_resource
from tsdesktop import __version__

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"


@pytest.fixture(scope="module")
def facts() -> Facts:
    return read_facts()


@pytest.fixture
def made(tmp_path: Path) -> program.Program:
    folder = tmp_path / "program" / "tsdesktop"
    (folder / "_internal" / "numpy-2.4.6.dist-info").mkdir(parents=True)
    (folder / "_internal" / "numpy").mkdir()
    (folder / "_internal" / "numpy" / "array.so").write_bytes(b"\x7fELF" + bytes(1000))
    (folder / "_internal" / "libpython3.so").write_bytes(bytes(500))
    (folder / "_internal" / "numpy-2.4.6.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: numpy\nVersion: 2.4.6\nLicense-Expression: BSD-3-Clause\n\nLong text\n",
        encoding="utf-8",
    )
    executable = folder / "tsdesktop"
    executable.write_bytes(b"\x7fELF")
    executable.chmod(0o700)
    return program.Program(folder, executable, tmp_path / "python")


def test_facts_are_those_of_the_project(facts: Facts) -> None:
    assert (facts.name, facts.description, facts.licence) == ("tsdesktop", PROJECT["description"], PROJECT["license"])
    assert facts.version == __version__
    assert facts.identifier == "io.github.tsdesktop.tsdesktop"
    assert list(facts.requirements) == PROJECT["dependencies"]


def test_no_fact_is_said_twice() -> None:
    app = tomllib.loads((TOP / "briefcase.toml").read_text(encoding="utf-8"))["tool"]["briefcase"]["app"]["tsdesktop"]
    assert not {"version", "description", "requires", "license", "license-files"} & set(app)


RELEASES = "https://github.com/someone/tsdesktop"


def test_a_runner_of_github_knows_where_releases_are_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    assert build.parse(["linux"]).repository == ""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/tsdesktop")
    assert build.parse(["linux"]).repository == RELEASES
    assert build.parse(["linux", "--repository", ""]).repository == ""
    assert build.parse(["linux", "--repository", f"{RELEASES}.git/"]).repository == RELEASES


@pytest.mark.parametrize(
    "wrong", ["tsdesktop", "http://github.com/a/b", "https://github.com/a", 'https://github.com/a/b"x']
)
def test_a_repository_is_an_address_of_github(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build.parse(["linux", "--repository", wrong])
    assert "https://github.com/OWNER/NAME" in capsys.readouterr().err


def test_the_program_is_told_where_its_releases_are() -> None:
    text = (TOP / program.VERSION_FILE).read_text(encoding="utf-8")
    told: dict[str, str] = {}
    exec(compile(program.published_in(RELEASES, text), "version.py", "exec"), told)
    assert (told["REPOSITORY"], told["__version__"]) == (RELEASES, __version__)
    with pytest.raises(dev.SetupError, match="names no repository"):
        program.published_in(RELEASES, "__version__ = '1'\n")


def test_the_packages_name_the_repository_or_none(facts: Facts, made: program.Program) -> None:
    known = read_facts(repository=RELEASES)
    assert f"Homepage: {RELEASES}" in deb.control(known, [], 1) and f">{RELEASES}<" in desktop.metainfo(known)
    assert briefcase_route.briefcase_table(known, "windows", made)["tool"]["briefcase"]["url"] == RELEASES
    assert "Homepage" not in deb.control(facts, [], 1) and "homepage" not in desktop.metainfo(facts)
    assert "url" not in briefcase_route.briefcase_table(facts, "windows", made)["tool"]["briefcase"]


def test_icons_that_are_named_are_there(facts: Facts) -> None:
    names = [facts.icon, *(each["icon"] for each in facts.document_types.values())]
    for name in names:
        for suffix in (".ico", ".icns", ".svg", "-16.png", "-256.png"):
            assert (TOP / f"{name}{suffix}").is_file(), f"{name}{suffix}"


def test_the_staged_tree_is_what_briefcase_reads(facts: Facts, made: program.Program, tmp_path: Path) -> None:
    stage = briefcase_route.stage_tree(facts, "windows", made, tmp_path / "stage")
    table = tomllib.loads((stage / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["briefcase"]
    app = table["app"]["tsdesktop"]
    assert table["version"] == __version__
    assert app["requires"] == PROJECT["dependencies"]
    assert app["windows"]["external_package_path"] == str(made.folder)
    assert app["windows"]["external_package_executable_path"] == "tsdesktop"
    assert app["windows"]["system_installer"] is False
    assert "linux" not in app and "macOS" not in app
    for name in app["license-files"]:
        assert (stage / name).read_bytes() == (TOP / name).read_bytes()
    assert (stage / f"{app['icon']}.ico").is_file()


def test_keys_with_dots_survive_as_toml(facts: Facts, made: program.Program) -> None:
    table = briefcase_route.briefcase_table(facts, "macos", made)
    assert tomllib.loads(briefcase_route.to_toml(table)) == table


def test_who_signs_comes_from_the_environment() -> None:
    assert briefcase_route.signing({}) == ["--adhoc-sign"]
    assert briefcase_route.signing({"TSDESKTOP_SIGNING_IDENTITY": "AB12"}) == ["--identity", "AB12"]


def test_windows_gets_a_second_executable_for_consoles(facts: Facts) -> None:
    assert program.executables(facts, "windows") == [("tsdesktop", False), ("tsdesktop-console", True)]
    assert program.executables(facts, "linux") == [("tsdesktop", True)]


def test_the_version_that_windows_shows(facts: Facts, tmp_path: Path) -> None:
    assert version_numbers("1.2.0rc3") == (1, 2, 0, 3)
    text = Path(version_resource(facts, tmp_path)).read_text(encoding="utf-8")
    assert f"filevers={version_numbers(__version__)}" in text
    assert "StringStruct('OriginalFilename', 'tsdesktop.exe')" in text


def test_macos_offers_the_program_and_takes_nothing_over(facts: Facts) -> None:
    told = program.info_plist(facts)
    extensions = [each for kind in told["CFBundleDocumentTypes"] for each in kind.get("CFBundleTypeExtensions", ())]
    assert extensions == ["nii", "dcm", "nrrd"]
    ranks = {kind.get("LSHandlerRank", "Alternate") for kind in told["CFBundleDocumentTypes"]}
    assert ranks == {"Alternate"}


def test_the_menu_entry_is_valid(facts: Facts, tmp_path: Path) -> None:
    entry = tmp_path / "tsdesktop.desktop"
    entry.write_text(desktop.desktop_entry(facts), encoding="utf-8")
    lines = entry.read_text(encoding="utf-8").splitlines()
    assert "Exec=tsdesktop %F" in lines
    types = next(line for line in lines if line.startswith("MimeType=")).removeprefix("MimeType=").split(";")
    assert {"application/x-nifti", "application/dicom", "application/zip"} <= set(types)
    validate = shutil.which("desktop-file-validate")
    if validate:
        done = subprocess.run([validate, str(entry)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")


def test_kinds_of_files_are_told_as_the_desktop_wants(facts: Facts) -> None:
    root = ElementTree.fromstring(desktop.mime_package(facts))
    found = {each.get("type"): each for each in root.iter(f"{SPACE}mime-type")}
    globs = [each.get("pattern") for each in found["application/x-nifti"].iter(f"{SPACE}glob")]
    assert globs == ["*.nii"]
    packed = found["application/x-nifti-compressed"]
    assert [each.get("pattern") for each in packed.iter(f"{SPACE}glob")] == ["*.nii.gz"]
    assert [each.get("type") for each in packed.iter(f"{SPACE}sub-class-of")] == ["application/gzip"]
    magic = {(each.get("offset"), each.get("value")) for each in found["application/x-nifti"].iter(f"{SPACE}match")}
    assert ("344", "n+1\\0") in magic


def test_the_magic_of_nifti_is_where_it_says(facts: Facts, tmp_path: Path) -> None:
    import nibabel
    import numpy as np

    nifti = next(each for each in facts.mime_types if each.type == "application/x-nifti")
    for number, kind in enumerate((nibabel.Nifti1Image, nibabel.Nifti2Image)):
        path = tmp_path / f"{number}.nii"
        nibabel.save(kind(np.zeros((2, 2, 2), np.int16), np.eye(4)), path)
        data = path.read_bytes()
        values = [(offset, value.replace("\\0", "\0").encode()) for offset, value in nifti.magic]
        assert any(data[offset : offset + len(value)] == value for offset, value in values), kind


def test_the_page_of_software_centres(facts: Facts) -> None:
    root = ElementTree.fromstring(desktop.metainfo(facts))
    assert root.findtext("id") == facts.identifier
    assert root.findtext("launchable") == "tsdesktop.desktop"
    assert "Not a medical device" in "".join(root.itertext())
    assert not root.findtext("summary", "").endswith(".")


def test_icons_lie_where_the_desktop_looks(facts: Facts, tmp_path: Path) -> None:
    desktop.write_icons(facts, tmp_path)
    for size in desktop.SIZES:
        assert (tmp_path / f"{size}x{size}" / "apps" / "tsdesktop.png").is_file()
    assert (tmp_path / "scalable" / "mimetypes" / "tsdesktop-nifti.svg").is_file()


def test_the_package_says_what_it_is_and_needs(facts: Facts) -> None:
    text = deb.control(facts, ["libc6 (>= 2.35)", "libegl1"], 1234)
    fields = dict(line.split(": ", 1) for line in text.splitlines() if re.match(r"^[A-Z]", line))
    assert (fields["Package"], fields["Version"], fields["Installed-Size"]) == ("tsdesktop", __version__, "1234")
    assert fields["Depends"] == "libc6 (>= 2.35), libegl1"
    continued = [line for line in text.splitlines() if not re.match(r"^[A-Z]", line)]
    assert continued and all(line.startswith(" ") and line.strip() for line in continued)


def test_works_of_others_are_named_with_their_licences(facts: Facts, made: program.Program) -> None:
    text = deb.copyright_file(facts, made)
    assert "numpy 2.4.6: BSD-3-Clause" in text
    assert "/usr/share/common-licenses/Apache-2.0" in text


def test_files_of_the_package_can_be_read_by_all(made: program.Program) -> None:
    inner = made.folder / "_internal"
    (inner / "private").mkdir(mode=0o700)
    (inner / "numpy" / "array.so").chmod(0o600)
    deb.set_modes(made.folder)
    assert made.executable.stat().st_mode & 0o777 == 0o755
    assert (inner / "private").stat().st_mode & 0o777 == 0o755
    assert (inner / "numpy" / "array.so").stat().st_mode & 0o777 == 0o644


def test_what_objdump_tells_is_understood() -> None:
    told = """
Dynamic Section:
  NEEDED               libstdc++.so.6
  NEEDED               libEGL.so.1
  RUNPATH              $ORIGIN
Version References:
  required from libc.so.6:
    0x09691a75 0x00 04 GLIBC_2.2.5
    0x069691b4 0x00 05 GLIBC_2.34
  required from libstdc++.so.6:
    0x0297f870 0x00 03 GLIBCXX_3.4.26
"""
    needs = libraries.needs_in(told)
    assert needs == libraries.Needs(frozenset({"libstdc++.so.6", "libEGL.so.1"}), (2, 34), 26)
    known = [each for each in read_libraries() if each.name in needs.libraries]
    assert libraries.packages(known, needs) == ["libc6 (>= 2.34)", "libegl1", "libstdc++6 (>= 9)"]


def test_a_library_that_nobody_brings_is_named() -> None:
    needed = ["libc.so.6", "libEGL.so.1", "libours.so.3", "libnew.so.1"]
    assert missing_libraries(needed, ["libours.so.3"], read_libraries()) == ["libnew.so.1"]


def test_every_library_of_the_system_is_named_once() -> None:
    names = [each.name for each in read_libraries()]
    assert len(names) == len(set(names))
    assert set(dev.LIBRARIES) <= set(names)


def test_nothing_that_the_program_imports_is_left_out() -> None:
    left_out = set(read_pruning().modules)
    imported = re.compile(r"^\s*(?:from|import) ([A-Za-z_][\w.]*)", re.MULTILINE)
    for path in (TOP / "tsdesktop").rglob("*.py"):
        for name in imported.findall(path.read_text(encoding="utf-8")):
            parts = name.split(".")
            above = {".".join(parts[: k + 1]) for k in range(len(parts))}
            assert not above & left_out, f"{path.name} imports {name}"


def test_patterns_of_files_spare_what_the_program_needs() -> None:
    import fnmatch

    kept = [
        "torch/lib/libtorch_cpu.so", "openvino/libs/libopenvino_intel_cpu_plugin.so",
        "openvino/libs/libopenvino_pytorch_frontend.so.2641", "openvino/libs/libopenvino_ir_frontend.so.2641",
        "PySide6/Qt/plugins/platforms/libqxcb.so", "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so", "PySide6/Qt/plugins/imageformats/libqsvg.so",
        "PySide6/Qt/translations/qtbase_de.qm", "tsdesktop/assets/tasks.json", "skimage/transform/__init__.pyi",
    ]  # fmt: skip
    for pattern in read_pruning().files:
        assert not fnmatch.filter(kept, pattern), pattern


def test_every_entry_of_the_list_has_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "pruning.toml"
    path.write_text('[[modules]]\nnames = ["a"]\nreason = ""\n[[files]]\npatterns = ["b"]\nreason = "c"\n')
    with pytest.raises(KeyError):
        read_pruning(path)


def test_weights_are_those_of_the_parts(made: program.Program) -> None:
    weights = weights_of_parts.weights(made.folder)
    assert weights["starter and modules"] == 4
    assert weights["libraries and Python"] == 500
    assert weights["numpy"] >= 1004
    assert "together" in weights_of_parts.table(made.folder)


def test_what_an_msi_can_hold_is_checked(made: program.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    build.check_limits(made)
    monkeypatch.setattr(build, "MOST_FILES", 2)
    with pytest.raises(dev.SetupError, match="more than an"):
        build.check_limits(made)


def test_an_installer_is_made_on_its_own_system_only() -> None:
    build.refuse_other_systems("linux", "linux")
    with pytest.raises(dev.SetupError, match="only be made on windows"):
        build.refuse_other_systems("windows", "linux")


def test_programs_that_are_started_find_the_systems_libraries() -> None:
    packed = {"LD_LIBRARY_PATH": "/ours:/theirs", "LD_LIBRARY_PATH_ORIG": "/theirs", "HOME": "/root"}
    assert start.put_back(packed) == {"LD_LIBRARY_PATH": "/theirs"}
    assert start.put_back({"LD_LIBRARY_PATH": "/ours"}) == {"LD_LIBRARY_PATH": None}
    assert start.put_back({"HOME": "/root"}) == {}


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_the_menu_entry_of_the_portable_archive(facts: Facts, tmp_path: Path) -> None:
    root, home = tmp_path / "my programs", tmp_path / "home"
    desktop.write_desktop_files(facts, root / "share")
    script = shutil.copy(TOP / "installer" / "linux" / "menu-entry.sh", root)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run(["sh", script, "install"], env=environment, check=True, capture_output=True)
    share = home / ".local" / "share"
    entry = (share / "applications" / "tsdesktop.desktop").read_text(encoding="utf-8")
    assert f'Exec="{root}/tsdesktop" %F' in entry
    assert (share / "icons" / "hicolor" / "256x256" / "apps" / "tsdesktop.png").is_file()
    subprocess.run(["sh", script, "remove"], env=environment, check=True, capture_output=True)
    left = [path for path in share.rglob("*tsdesktop*") if path.is_file()]
    assert not left


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    path = tmp_path / "runtime"
    path.write_bytes(b"\x7fELF\x02\x01\x01\x00AI\x02" + bytes(500))
    return path


@pytest.mark.skipif(shutil.which("mksquashfs") is None, reason="needs squashfs-tools")
def test_an_appimage_is_the_runtime_and_the_program(
    facts: Facts, made: program.Program, runtime: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "portable" / "tsdesktop-0.1.0"
    shutil.copytree(made.folder, folder)
    desktop.write_desktop_files(facts, folder / "share")
    (folder / "README.txt").write_text("how to unpack it", encoding="utf-8")
    # Libraries bring files of the same names.
    for name in ("torch/share/table.bin", "pydicom/README.txt"):
        (folder / "_internal" / name).parent.mkdir(parents=True)
        (folder / "_internal" / name).write_bytes(b"data")
    image = appimage.make_appimage(facts, folder, runtime, tmp_path / "dist")
    assert os.access(image, os.X_OK)
    head = runtime.read_bytes()
    assert image.read_bytes().startswith(head + b"hsqs")
    listed = subprocess.run(
        ["unsquashfs", "-llc", "-o", str(len(head)), image], capture_output=True, text=True, check=True
    ).stdout
    assert "squashfs-root/AppRun -> tsdesktop" in listed and "squashfs-root/_internal/numpy/array.so" in listed
    for name in ("tsdesktop.desktop", "tsdesktop.png", "usr/share/metainfo/io.github.tsdesktop.tsdesktop.metainfo.xml"):
        assert f"squashfs-root/{name}\n" in listed
    for name in ("_internal/torch/share/table.bin", "_internal/pydicom/README.txt"):
        assert f"squashfs-root/{name}\n" in listed
    assert "squashfs-root/README.txt" not in listed and "squashfs-root/share\n" not in listed
    assert "menu-entry" not in listed and not (tmp_path / "portable" / "tsdesktop.squashfs").exists()


def test_what_is_no_runtime_of_an_appimage_is_refused(runtime: Path, tmp_path: Path) -> None:
    appimage.check_runtime(runtime)
    runtime.write_bytes(b"\x7fELF" + bytes(500))
    with pytest.raises(dev.SetupError, match="is not the runtime"):
        appimage.check_runtime(runtime)
    with pytest.raises(dev.SetupError, match="cannot be read"):
        appimage.check_runtime(tmp_path / "nothing")
