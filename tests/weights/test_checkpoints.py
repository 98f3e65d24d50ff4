"""What a checkpoint says is read without torch and without running it; a damaged one is told apart from a whole one."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.weights.zips import Malice, checkpoint_bytes, saved
from tsdesktop.core.errors import Cancelled, WeightsError
from tsdesktop.weights.checkpoints import check_every_byte, checkpoint_facts, checkpoint_outputs
from tsdesktop.weights.stopping import Stop


def put(place: Path, content: bytes) -> Path:
    path = place / "Dataset901_x" / "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0" / "checkpoint_final.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def state_of(content: bytes) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return state


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        checkpoint_outputs(path)
    return caught.value


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("legacy", [False, True])
def test_outputs_are_those_of_the_last_layer(tmp_path: Path, prefix: str, legacy: bool) -> None:
    state = state_of(checkpoint_bytes(7, "3d_fullres_high", prefix))
    facts = checkpoint_facts(put(tmp_path, saved(state, legacy=legacy)))
    assert (facts.outputs, facts.configuration) == (7, "3d_fullres_high")


def test_the_layer_of_the_highest_number_counts(tmp_path: Path) -> None:
    layers = {f"decoder.seg_layers.{n}.weight": torch.zeros(n + 2, 1, 1, 1, 1) for n in range(11)}
    assert checkpoint_outputs(put(tmp_path, saved({"network_weights": layers}))) == 12


def test_what_real_trainings_keep_is_read(tmp_path: Path) -> None:
    """Loss curves as numpy numbers, an optimizer's state, half precision, parameters, storages that are shared."""
    weights = torch.zeros(30)
    state = state_of(checkpoint_bytes(4)) | {
        "logging": {"dice": [np.float32(0.5), np.float64(0.2)], "each": np.array([1.0, 2.0]), "epoch": np.int64(3)},
        "optimizer_state": {"state": {0: {"momentum_buffer": torch.zeros(4, dtype=torch.float16)}}, "lr": 0.01},
        "grad_scaler_state": {
            "scale": torch.tensor(2.0, dtype=torch.float64),
            "flags": torch.zeros(3, dtype=torch.bool),
        },
        "parameter": torch.nn.Parameter(torch.zeros(2)),
        "shared": [weights[:10], weights[10:]],
        "brain": torch.zeros(2, dtype=torch.bfloat16),
        "kind": torch.float32,
        "shape": torch.Size([1, 2]),
        "flag": np.bool_(True),
        "none": None,
    }
    for legacy in (False, True):
        assert checkpoint_outputs(put(tmp_path / str(legacy), saved(state, legacy=legacy))) == 4


@pytest.mark.parametrize("where", ["network_weights", "init_args", "logging", "whole file", "old format", "pickle"])
def test_a_hostile_checkpoint_runs_nothing(tmp_path: Path, where: str) -> None:
    trace = tmp_path / "trace"
    if where == "pickle":
        content = pickle.dumps(Malice(trace), protocol=2)
    elif where in ("whole file", "old format"):
        content = saved(Malice(trace), legacy=where == "old format")
    else:
        content = saved(state_of(checkpoint_bytes(2)) | {where: Malice(trace)})
    error = refusal(put(tmp_path, content))
    assert error.id == "weights.untrusted"
    assert "Dataset901_x" in error.sentence
    assert not trace.exists()
    pickle.loads(pickle.dumps(Malice(trace)))
    assert trace.exists(), "read the ordinary way, it would have run"


@pytest.mark.parametrize(
    "name",
    ["builtins.eval", "builtins.getattr", "torch.load", "torch.storage._load_from_bytes", "collections.namedtuple"],
)
def test_any_other_name_is_refused(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert refusal(put(tmp_path, f"c{module}\n{attribute}\n.".encode())).id == "weights.untrusted"


def test_a_huge_array_is_not_made(tmp_path: Path) -> None:
    """One call that real checkpoints may hold, with a number that would fill the memory."""
    call = b"cbuiltins\nbytearray\n(L99999999999999L\ntR."
    assert refusal(put(tmp_path, call)).id == "weights.broken"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95, 0.999])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_truncated_checkpoint_is_damaged(tmp_path: Path, share: float, legacy: bool) -> None:
    content = saved(state_of(checkpoint_bytes(3)), legacy=legacy)
    error = refusal(put(tmp_path, content[: int(len(content) * share)]))
    assert error.sentence == "The network Dataset901_x is broken: its checkpoint is damaged."


@pytest.mark.parametrize("content", [b"x", b"<html>Not found</html>", bytes(5000), b"PK\x03\x04" + bytes(200)])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    assert refusal(put(tmp_path, content)).id == "weights.broken"


@pytest.mark.parametrize("lose", ["a tensor", "half of a tensor"])
def test_every_tensor_has_to_have_its_whole_size(tmp_path: Path, lose: str) -> None:
    with zipfile.ZipFile(io.BytesIO(checkpoint_bytes(3))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(each for each in members if each.endswith("/data/3"))
    if lose == "a tensor":
        del members[name]
    else:
        members[name] = members[name][: len(members[name]) // 2]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    assert refusal(put(tmp_path, packed.getvalue())).sentence.endswith("its checkpoint is damaged.")


@pytest.mark.parametrize("state", [{}, {"network_weights": [1]}, [1], torch.zeros(3), {"network_weights": {"a": 1}}])
def test_a_checkpoint_without_a_network(tmp_path: Path, state: Any) -> None:
    error = refusal(put(tmp_path, saved(state)))
    assert error.sentence == "The network Dataset901_x is broken: its checkpoint holds no network."


def test_a_checkpoint_that_is_missing(tmp_path: Path) -> None:
    path = put(tmp_path, b"")
    path.unlink()
    assert refusal(path).sentence.endswith("is incomplete: fold_0/checkpoint_final.pth is missing.")


def test_one_changed_byte_is_found_by_looking_at_all_of_them(tmp_path: Path) -> None:
    content = bytearray(saved({"network_weights": {"decoder.seg_layers.0.weight": torch.ones(2, 5000, 1, 1, 1)}}))
    path = put(tmp_path, bytes(content))
    heard: list[int] = []
    check_every_byte(path, heard.append, Stop())
    assert heard == sorted(heard)
    assert heard[-1] > 40_000
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert checkpoint_outputs(path) == 2
    with pytest.raises(WeightsError, match="its checkpoint is damaged"):
        check_every_byte(path, heard.append, Stop())


def test_looking_at_every_byte_can_be_stopped(tmp_path: Path) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(Cancelled):
        check_every_byte(put(tmp_path, checkpoint_bytes(2)), lambda _: None, stop)


def test_torch_is_not_imported(tmp_path: Path) -> None:
    path = put(tmp_path, checkpoint_bytes(2))
    code = (
        "import sys; from pathlib import Path; from tsdesktop.weights.checkpoints import checkpoint_outputs; "
        f"print(checkpoint_outputs(Path({str(path)!r})), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
