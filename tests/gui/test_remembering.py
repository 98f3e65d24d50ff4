"""What the window remembers, and what dialogs may change of it."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from tsdesktop.core.settings import Settings, load_settings
from tsdesktop.gui.remembering import Memory, display_of


def test_a_dialog_changes_only_what_was_changed_in_it(qtbot: QtBot) -> None:
    memory = Memory(Settings(theme="dark"))
    take = memory.take_changes_from(memory.settings)
    shown = memory.settings
    memory.change(open_folder="/scans")
    take(replace(shown, theme="light"))
    assert (memory.settings.theme, memory.settings.open_folder) == ("light", "/scans")
    take(replace(shown, theme="light", convention="neurological"))
    assert (memory.settings.convention, memory.settings.open_folder) == ("neurological", "/scans")


def test_what_changed_is_on_the_disk_a_moment_later(qtbot: QtBot) -> None:
    memory = Memory(Settings())
    with qtbot.waitSignal(memory.changed):
        memory.change(label_opacity=70)
    qtbot.waitUntil(lambda: load_settings().label_opacity == 70, timeout=5_000)


def test_nothing_is_told_where_nothing_changes(qtbot: QtBot) -> None:
    memory = Memory(Settings())
    with qtbot.assertNotEmitted(memory.changed):
        memory.change(theme="auto")


def test_display_keeps_what_is_not_remembered() -> None:
    before = replace(display_of(Settings()), crosshair=False, show_labels=False)
    after = display_of(Settings(label_style="outlined"), before)
    assert after.style == "outlined" and not after.crosshair and not after.show_labels
