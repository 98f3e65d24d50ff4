"""The version that Windows shows among the properties of the executables."""

from __future__ import annotations

import re
from pathlib import Path

from installer.facts import Facts

_RESOURCE = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1),
  kids=[
    StringFileInfo([StringTable('040904B0', [
      StringStruct('CompanyName', {author!r}),
      StringStruct('FileDescription', {description!r}),
      StringStruct('FileVersion', {version!r}),
      StringStruct('InternalName', {name!r}),
      StringStruct('LegalCopyright', {licence!r}),
      StringStruct('OriginalFilename', {file!r}),
      StringStruct('ProductName', {formal_name!r}),
      StringStruct('ProductVersion', {version!r})])]),
    VarFileInfo([VarStruct('Translation', [0x0409, 1200])])
  ]
)
"""


def version_resource(facts: Facts, build: Path) -> str:
    """Writes the resource in PyInstaller's form into `build`; returns its path."""
    path = build / "version.txt"
    path.write_text(
        _RESOURCE.format(
            numbers=version_numbers(facts.version),
            author=facts.author,
            description=facts.formal_name,
            version=facts.version,
            name=facts.name,
            licence=facts.licence,
            file=f"{facts.name}.exe",
            formal_name=facts.formal_name,
        ),
        encoding="utf-8",
    )
    return str(path)


def version_numbers(version: str) -> tuple[int, int, int, int]:
    """A version as the four numbers that Windows wants, for example 0.1.0 as (0, 1, 0, 0)."""
    found = [int(each) for each in re.findall(r"\d+", version)][:4]
    first, second, third, fourth = (*found, 0, 0, 0, 0)[:4]
    return first, second, third, fourth
