"""Where networks are found, and what is said when they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import Network, catalogue
from tsdesktop.weights.places import find_network, folds_of, presence


def put(folder: Path, network: Network, folds: tuple[int, ...] = (0,)) -> Path:
    """A folder that looks whole from outside."""
    model = folder / network.folder
    for fold in folds:
        (model / f"fold_{fold}").mkdir(parents=True)
        (model / f"fold_{fold}" / "checkpoint_final.pth").touch()
    (model / "plans.json").touch()
    (model / "dataset.json").touch()
    return model


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        ("TSDESKTOP_WEIGHTS_DIR", ""),
        ("TOTALSEG_WEIGHTS_PATH", ""),
        ("TOTALSEG_HOME_DIR", "nnunet/results"),
        ("HOME", ".totalsegmentator/nnunet/results"),
    ],
)
def test_every_place_is_asked(variable: str, below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = catalogue().networks["297"]
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    assert presence(network).state == "missing"
    model = put(tmp_path / below, network)
    monkeypatch.setenv(variable, str(tmp_path))
    assert find_network(network) == model


def test_a_missing_network_is_told_with_file_place_and_address(own_data_folder: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        find_network(catalogue().networks["297"])
    said = caught.value.sentence + caught.value.hint
    assert "Dataset297_TotalSegmentator_total_3mm_1559subj.zip" in said
    assert str(own_data_folder / "weights") in said
    assert "https://github.com/wasserth/TotalSegmentator/releases/download/v2.0.0-weights/" in said


def test_a_missing_licensed_network_is_told_with_the_licence_page() -> None:
    with pytest.raises(WeightsError) as caught:
        find_network(catalogue().networks["301"])
    assert caught.value.id == "weights.missing_licensed"
    assert "https://backend.totalsegmentator.com/license-academic/" in caught.value.hint


def test_an_incomplete_network_is_not_taken(own_data_folder: Path) -> None:
    network = catalogue().networks["297"]
    model = put(own_data_folder / "weights", network)
    (model / "fold_0" / "checkpoint_final.pth").unlink()
    assert presence(network).lacking == "fold_0/checkpoint_final.pth"
    with pytest.raises(WeightsError, match="incomplete"):
        find_network(network)


def test_all_available_folds_are_those_with_a_checkpoint(own_data_folder: Path) -> None:
    network = catalogue().networks["615"]
    model = put(own_data_folder / "weights", network, folds=(0, 2, 3))
    (model / "fold_4").mkdir()
    (model / "fold_all").mkdir()
    (model / "fold_all" / "checkpoint_final.pth").touch()
    assert folds_of(network, model) == (0, 2, 3)


def test_the_bundled_network_is_always_here() -> None:
    assert presence(catalogue().networks["900"]).state == "here"
