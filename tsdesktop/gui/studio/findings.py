"""What was found on a part, in the person's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsdesktop.gui.translation import translated, translated_hint

if TYPE_CHECKING:
    from tsdesktop.surfaces.preflight import Finding


def finding_words(finding: Finding) -> str:
    """What was found, in one sentence."""
    return translated(finding.note.id, finding.note.arguments)


def finding_hint(finding: Finding) -> str:
    """What to do about it; empty for what is good."""
    return translated_hint(finding.note.id, finding.note.arguments)
