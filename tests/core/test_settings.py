"""Settings are read back as they were written; what is not allowed becomes the default."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tsdesktop.core.settings import Settings, load_settings, save_settings


def test_settings_come_back(tmp_path: Path) -> None:
    settings = replace(Settings(), theme="light", label_opacity=70, left_open=False, window_state='{"sizes": [1]}')
    save_settings(settings, tmp_path / "settings.json")
    assert load_settings(tmp_path / "settings.json") == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("theme", "pink"), ("label_opacity", 101), ("label_opacity", True), ("left_open", 1), ("open_folder", None)],
)
def test_what_is_not_allowed_is_told_and_becomes_the_default(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, value: object
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({name: value, "device": "cpu"}))
    assert load_settings(file) == replace(Settings(), device="cpu")
    assert name in caplog.text


def test_keys_of_other_versions_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"from_the_future": [1, 2]}))
    save_settings(load_settings(file), file)
    assert json.loads(file.read_text())["from_the_future"] == [1, 2]


def test_every_setting_says_what_it_is() -> None:
    declared = [each for each in fields(Settings) if each.name != "extra"]
    assert all(each.metadata["help"] for each in declared)
    assert {each.name for each in declared if each.metadata["kind"] == "folder"} == {
        "weights_folder", "open_folder", "export_folder",
    }  # fmt: skip
