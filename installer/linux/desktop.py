"""What a Linux desktop reads: the menu entry, kinds of files, the page of software centres, icons."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

from installer.facts import TOP, Facts, MimeType

SIZES = (16, 20, 24, 32, 48, 64, 128, 256, 512)
_MIME_SPACE = "http://www.freedesktop.org/standards/shared-mime-info"


def write_desktop_files(facts: Facts, share: Path) -> None:
    """Writes all of them below `share`, the system's folder of that name."""
    files = {
        f"applications/{facts.name}.desktop": desktop_entry(facts),
        f"mime/packages/{facts.name}.xml": mime_package(facts),
        f"metainfo/{facts.identifier}.metainfo.xml": metainfo(facts),
    }
    for name, text in files.items():
        (share / name).parent.mkdir(parents=True, exist_ok=True)
        (share / name).write_text(text, encoding="utf-8")
    write_icons(facts, share / "icons" / "hicolor")


def desktop_entry(facts: Facts, executable: str = "") -> str:
    """The menu entry. It offers the program for its own kinds of files and for those that may hold a scan."""
    linux = facts.app["linux"]
    types = dict.fromkeys([*(each.type for each in facts.mime_types), *linux["also_opens"]])
    lines = [
        "[Desktop Entry]",
        "Type=Application",
        f"Name={facts.formal_name}",
        "GenericName=Anatomy from CT and MR scans",
        "GenericName[de]=Anatomie aus CT- und MR-Bildern",
        f"Comment={facts.description}",
        f"Exec={executable or facts.name} %F",
        f"Icon={facts.name}",
        "Terminal=false",
        "StartupNotify=true",
        f"StartupWMClass={facts.name}",
        f"Categories={';'.join(linux['categories'])};",
        f"Keywords={';'.join(linux['keywords'])};",
        f"MimeType={';'.join(types)};",
    ]
    return "\n".join(lines) + "\n"


def mime_package(facts: Facts) -> str:
    """Kinds of files in the form of shared-mime-info."""
    root = ElementTree.Element("mime-info", xmlns=_MIME_SPACE)
    for each in facts.mime_types:
        root.append(_mime_type(facts, each))
    return _xml(root)


def _mime_type(facts: Facts, each: MimeType) -> ElementTree.Element:
    out = ElementTree.Element("mime-type", type=each.type)
    ElementTree.SubElement(out, "comment").text = each.comment
    ElementTree.SubElement(out, "icon", name=mime_icon(facts, each.icon))
    if each.parent:
        ElementTree.SubElement(out, "sub-class-of", type=each.parent)
    if each.magic:
        magic = ElementTree.SubElement(out, "magic", priority="60")
        for offset, value in each.magic:
            ElementTree.SubElement(magic, "match", type="string", offset=str(offset), value=value)
    for glob in each.globs:
        # Above the weight of *.gz, of which *.nii.gz is one.
        ElementTree.SubElement(out, "glob", pattern=glob, weight="60")
    return out


def mime_icon(facts: Facts, drawing: str) -> str:
    """The name under which the icon of a kind of file is installed."""
    return f"{facts.name}-{drawing}"


def metainfo(facts: Facts) -> str:
    """The page of software centres, in the form of AppStream."""
    root = ElementTree.Element("component", type="desktop-application")
    texts = {
        "id": facts.identifier,
        "name": facts.formal_name,
        "summary": facts.description.split(". ")[0].rstrip("."),
        "metadata_license": "CC0-1.0",
        "project_license": facts.licence,
    }
    for tag, text in texts.items():
        ElementTree.SubElement(root, tag).text = text
    description = ElementTree.SubElement(root, "description")
    for paragraph in facts.long_description.split("\n\n"):
        ElementTree.SubElement(description, "p").text = paragraph
    ElementTree.SubElement(root, "launchable", type="desktop-id").text = f"{facts.name}.desktop"
    if facts.url:
        ElementTree.SubElement(root, "url", type="homepage").text = facts.url
    developer = ElementTree.SubElement(root, "developer", id=facts.bundle)
    ElementTree.SubElement(developer, "name").text = facts.author
    provides = ElementTree.SubElement(root, "provides")
    ElementTree.SubElement(provides, "binary").text = facts.name
    for each in facts.mime_types:
        ElementTree.SubElement(provides, "mediatype").text = each.type
    ElementTree.SubElement(root, "content_rating", type="oars-1.1")
    return _xml(root)


def write_icons(facts: Facts, hicolor: Path) -> None:
    """The program's icon and those of its kinds of files, in every size that was drawn."""
    drawn = {("apps", facts.name): TOP / facts.icon}
    for each in facts.mime_types:
        drawn["mimetypes", mime_icon(facts, each.icon)] = TOP / "assets" / "icons" / "files" / each.icon
    for (kind, name), drawing in drawn.items():
        for size in SIZES:
            _copy(drawing.with_name(f"{drawing.name}-{size}.png"), hicolor / f"{size}x{size}" / kind / f"{name}.png")
        _copy(drawing.with_name(f"{drawing.name}.svg"), hicolor / "scalable" / kind / f"{name}.svg")


def _copy(source: Path, goal: Path) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, goal)


def _xml(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'
