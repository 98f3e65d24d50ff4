"""The public API: what goes in, what comes out, and that both fit each other in space."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import tsdesktop
from tsdesktop.core.errors import OptionsError, ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.structures import structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline.derived import derived_masks
from tsdesktop.pipeline.exporting import on_label_grid
from tsdesktop.pipeline.segmentation import in_v1_order

OBLIQUE = np.array([[-2.8, 0.35, 0.2, 80], [0.3, 2.4, -0.5, -70], [0.15, 0.55, 3.9, -60], [0, 0, 0, 1]])


def orthogonal(affine: np.ndarray) -> np.ndarray:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    out = affine.copy()
    out[:3, :3] = left @ right * spacing
    return out


def ball_image(center_ras: tuple[float, float, float], radius_mm: float) -> nib.Nifti1Image:
    """Soft tissue all over, with a ball of bone at a place in the world, on an oblique, anisotropic, flipped grid."""
    affine = orthogonal(OBLIQUE)
    index = np.moveaxis(np.indices((64, 60, 40)), 0, -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    array = np.full((64, 60, 40), -1000, np.int16)
    body = np.linalg.norm((world - affine[:3, 3] - affine[:3, :3] @ [32, 30, 20]) / [1, 1, 1], axis=-1) < 68
    array[body] = 40
    array[np.linalg.norm(world - center_ras, axis=-1) < radius_mm] = 900
    return nib.Nifti1Image(array, affine)


def test_nibabel_in_nibabel_out_with_every_structure_where_it_was() -> None:
    affine = orthogonal(OBLIQUE)
    center = affine[:3, 3] + affine[:3, :3] @ [40, 25, 18]
    image = ball_image((center[0], center[1], center[2]), 20.0)
    heard: list[Progress] = []
    result = tsdesktop.segment(image, task="bone", listen=heard.append)
    labels = tsdesktop.to_nibabel(result)
    assert np.allclose(labels.affine, image.affine, atol=1e-4) and labels.shape == image.shape
    found = np.argwhere(np.asarray(labels.dataobj) == 1).mean(axis=0)
    assert np.linalg.norm(labels.affine[:3, :3] @ found + labels.affine[:3, 3] - center) < 1.0
    assert result.label_map.volume_ml("bone") == pytest.approx(4 / 3 * np.pi * 2.0**3, rel=0.03)
    shares = [each.share for each in heard]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_every_orientation_gives_the_same_bone_in_the_world() -> None:
    affine = orthogonal(OBLIQUE)
    center = affine[:3, 3] + affine[:3, :3] @ [22, 30, 22]
    image = ball_image((center[0], center[1], center[2]), 16.0)
    with tsdesktop.Engine() as engine:
        first = tsdesktop.segment(image, task="bone", engine=engine)
        for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
            turned = image.as_reoriented(np.array([[axis, (-1) ** n] for n, axis in enumerate(order)]))
            again = tsdesktop.segment(turned, task="bone", engine=engine)
            assert again.label_map.volume_ml("bone") == pytest.approx(first.label_map.volume_ml("bone"), rel=0.01)
            index = np.argwhere(again.label_map.mask("bone")).mean(axis=0)
            assert np.linalg.norm(again.label_map.geometry.world_ras(index) - center) < 1.0


def test_mistakes_are_found_before_the_scan_is_read(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="no structure named livr"):
        tsdesktop.segment(tmp_path / "nowhere.nii", task="total", roi=("livr",))
    with pytest.raises(ReadError, match="does not exist"):
        tsdesktop.segment(tmp_path / "nowhere.nii", task="bone")


def test_an_mr_scan_for_a_ct_task_is_told_and_computed_as_asked() -> None:
    array = np.random.default_rng(1).integers(0, 400, (24, 24, 24)).astype(np.int16)
    volume = Volume(array, Geometry((24, 24, 24), np.diag([3.0, 3.0, 3.0, 1.0])), "MR")
    result = tsdesktop.segment(volume, task="fat_soft_bone")
    told = {each.id: each for each in result.notes}
    assert told["note.modality"].arguments["better"] == "total_mr"
    assert result.task.name == "fat_soft_bone"


def test_v1_order_keeps_structures_and_drops_those_version_one_did_not_have() -> None:
    task = catalogue().task("total")
    labels = np.arange(118, dtype=np.uint8).reshape(118, 1, 1)
    old = LabelMap(labels, Geometry((118, 1, 1), np.eye(4)), task.classes, "total")
    new = in_v1_order(old)
    for each in task.classes:
        number = int(new.array[each.label, 0, 0])
        names = [name for label, name in catalogue().v1_order.items() if label == number]
        assert names == ([each.name] if each.name in catalogue().v1_order.values() else [])
    assert new.structure("aorta").label == 7 and len(new.classes) == 104


def test_derived_masks_are_the_body_and_a_thin_shell_of_it() -> None:
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[5:25, 5:25, 5:15] = 1
    labels[5:25, 5:25, 15:25] = 2
    hu = np.full(labels.shape, 50, np.int16)
    hu[:, :, 20:] = 900
    geometry = Geometry((30, 30, 30), np.eye(4))
    task = catalogue().task("body")
    body, skin = derived_masks(Volume(hu, geometry, "CT"), LabelMap(labels, geometry, task.classes), ("body", "skin"))
    assert np.array_equal(body.array, labels > 0)
    assert skin.array[4, 15, 10] == skin.array[6, 15, 10] == 1
    assert skin.array[3, 15, 10] == skin.array[7, 15, 10] == 0
    assert not skin.array[:, :, 20:].any()


def test_statistics_of_low_resolution_labels_use_the_scan_on_their_grid() -> None:
    scan = Volume(
        np.arange(21, dtype=np.int16)[:, None, None] * np.ones((21, 21, 21), np.int16),
        Geometry((21, 21, 21), np.diag([1.0, 1.0, 1.0, 1.0])),
        "CT",
    )
    low = Geometry((11, 11, 11), np.diag([2.0, 2.0, 2.0, 1.0]))
    label_map = LabelMap(np.ones((11, 11, 11), np.uint8), low, (structure_class(1, "liver"),))
    matched = on_label_grid(scan, label_map)
    assert matched.geometry.matches(low)
    assert np.array_equal(matched.array[:, 0, 0], np.arange(0, 21, 2))


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"fast": True, "fastest": True}, "cannot be used together"),
        ({"keep_model_resolution": True}, "--keep-model-resolution needs"),
        ({"keep_model_resolution": True, "fast": True, "roi": ("liver",)}, "cannot be used together"),
        ({"resampling_order": 9}, "9 is not a value"),
        ({"format": "mp3"}, "mp3 is not a value"),
        ({"smooth_labels": True, "smooth_labels_legacy": True}, "cannot be used together"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(choices: dict[str, object], words: str) -> None:
    with pytest.raises(OptionsError, match=words):
        Options(**choices)  # type: ignore[arg-type]


def test_structures_for_a_task_without_choice_name_the_tasks_that_have_one() -> None:
    """Also where nothing is planned, because the task needs no network."""
    image = ball_image((0.0, 0.0, 0.0), 5.0)
    with pytest.raises(OptionsError) as caught:
        tsdesktop.segment(image, task="bone", roi=("liver",))
    assert "Choosing structures works for: total, " in caught.value.hint
