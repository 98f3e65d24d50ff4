"""Every message crosses the pipe as one line and comes out as it went in; anything else is refused."""

from __future__ import annotations

from typing import get_args

import pytest

from tsdesktop.jobs.messages import (
    Cancel,
    Command,
    Device,
    Devices,
    Draft,
    Failed,
    FindDevices,
    Finished,
    Message,
    Noted,
    Progress,
    Ready,
    Run,
    Stopped,
    Warm,
    decode_command,
    decode_message,
    encode,
)
from tsdesktop.jobs.plan import NetworkRun

AFFINE = tuple(float(n) for n in range(16))
MESSAGES = [
    Ready(4711),
    Progress("total organs", 0.25, 1, 5, 3, 27, 190.5),
    Noted("note.empty_crop", {"what": "die Wirbelsäule\n"}),
    Draft("draft_1.npy", (64, 64, 75), AFFINE, 2, 5),
    Finished((512, 512, 300), AFFINE, "cuda:0", 12.5, ("probabilities_297.npz",), "2.13.0+cu130"),
    Failed("OutOfMemory", "run.out_of_memory", {"device": "the processor"}),
    Stopped(),
    Devices((Device("cpu", "processor", 23.5), Device("gpu:0", "card", 2.0, "too small")), "torch"),
]
NETWORK = NetworkRun("297", "/tmp/x y", (0, 1), "organs", (0, 5, 7))
COMMANDS = [Run("/tmp/a b/job.json"), Cancel(), FindDevices(), Warm(NETWORK, "cpu", 2, "half")]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: type(each).__name__)
def test_messages(message: Message) -> None:
    line = encode(message)
    assert "\n" not in line and decode_message(line) == message


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: type(each).__name__)
def test_commands(command: Command) -> None:
    line = encode(command)
    assert "\n" not in line and decode_command(line) == command


def test_every_kind_is_tried() -> None:
    assert {type(each) for each in MESSAGES} == set(get_args(Message))
    assert {type(each) for each in COMMANDS} == set(get_args(Command))


@pytest.mark.parametrize("line", ["", "{}", "[]", "loading ...", '{"message": "Order"}', '{"message": "Draft"}'])
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_message(line)
    with pytest.raises(ValueError, match=r"."):
        decode_command(line)
