"""The names of labels inside a NIfTI file: a header extension in the label style of Caret and Connectome Workbench, as
TotalSegmentator writes it and its readers, 3D Slicer extensions among them, look for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tsdesktop.core.structures import StructureClass, label_table_colour

EXTENSION_CODE = 0
# Part of the format by custom: upstream writes this very date, and readers ignore it.
_DATE = "2013-07-14T05:45:09"
_BLOCK = 16
_BEFORE_CONTENT = 8


def label_table_xml(classes: Iterable[StructureClass]) -> bytes:
    """The content of the extension for these structures, padded so that the extension fills whole blocks."""
    labels = "\n".join(_label(each) for each in classes)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>'
        f"  <Date><![CDATA[{_DATE}]]></Date>"
        '   <VolumeInformation Index="0">'
        f"   <LabelTable>\n{labels}\n\n  </LabelTable>"
        "  <StudyMetaDataLinkSet>  </StudyMetaDataLinkSet>"
        "  <VolumeType><![CDATA[Label]]></VolumeType>"
        "   </VolumeInformation></CaretExtension>\n"
    ).encode()
    return text + b" " * (-(len(text) + _BEFORE_CONTENT) % _BLOCK)


def _label(structure: StructureClass) -> str:
    red, green, blue = (value / 255 for value in label_table_colour(structure.label))
    name = structure.name.replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<Label Key="{structure.label}" Red="{red}" Green="{green}" Blue="{blue}" Alpha="1"><![CDATA[{name}]]></Label>'
    )
