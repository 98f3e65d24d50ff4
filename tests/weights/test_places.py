"""Where networks are found, and what is said when they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import Network, catalogue
from tsdesktop.weights.places import find_network, folds_of, presence

# The trainers of the published weights; nnU-Net itself does not know three of them.
TRAINERS = {
    "nnUNetTrainer",
    "nnUNetTrainerNoMirroring",
    "nnUNetTrainer_onlyMirror01",
    "nnUNetTrainer_DASegOrd0",
    "nnUNetTrainer_DASegOrd0_NoMirroring",
    "nnUNetTrainer_2000epochs_NoMirroring",
    "nnUNetTrainer_4000epochs_NoMirroring",
    "nnUNetTrainer_MOSAIC_1k_QuarterLR_NoMirroring",
    "nnUNetTrainerDiceTopK10Loss_2000epochs",
    "nnUNetTrainerSkeletonRecall",
}


def put(folder: Path, network: Network, folds: tuple[int, ...] = (0,)) -> Path:
    """A folder that looks whole from outside."""
    model = folder / network.folder
    model.mkdir(parents=True)
    for fold in folds:
        (model / f"fold_{fold}").mkdir()
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


def test_every_trainer_of_the_published_weights_is_in_the_catalogue() -> None:
    published = [each for each in catalogue().networks.values() if each.source != "bundled"]
    assert {each.folder.split("/")[1].split("__")[0] for each in published} == TRAINERS


def test_own_folder_comes_first_and_incomplete_networks_are_passed_by(
    own_data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = catalogue().networks["298"]
    monkeypatch.setenv("TOTALSEG_WEIGHTS_PATH", str(tmp_path))
    second, first = put(tmp_path, network), put(own_data_folder / "weights", network)
    assert find_network(network) == first
    (first / "plans.json").unlink()
    assert find_network(network) == second


@pytest.mark.parametrize("lacking", ["plans.json", "dataset.json", "fold_3/checkpoint_final.pth"])
def test_an_incomplete_network_is_told_with_what_is_missing(own_data_folder: Path, lacking: str) -> None:
    network = catalogue().networks["713"]
    (put(own_data_folder / "weights", network, folds=(0, 1, 2, 3, 4)) / lacking).unlink()
    with pytest.raises(WeightsError) as caught:
        find_network(network)
    assert caught.value.sentence.endswith(f"is incomplete: {lacking} is missing.")


def test_a_network_of_any_folds_needs_one(own_data_folder: Path) -> None:
    network = catalogue().networks["615"]
    put(own_data_folder / "weights", network, folds=())
    assert presence(network).lacking == "fold_0/checkpoint_final.pth"
