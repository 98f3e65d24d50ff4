"""Starts the inference process, talks to it, cancels it. It stays warm between runs and dies with its parent."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from tsdesktop.core.errors import (
    Cancelled,
    EngineCrashed,
    InferenceError,
    OutOfMemory,
    TsDesktopError,
    error_from_data,
)
from tsdesktop.jobs.job import LOW_PRIORITY, PRIORITY_VARIABLE
from tsdesktop.jobs.messages import (
    Cancel,
    Command,
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
    decode_message,
    encode,
)
from tsdesktop.runs.executable import own_command

log = logging.getLogger(__name__)
ASK_S, TERMINATE_S = 0.3, 0.8
_POLL_S = 0.05
_KEPT_LINES = 200
Listener = Callable[[Progress | Noted | Draft], None]


class Engine:
    """The inference process seen from this side. Use as a context manager, or call `close`.

    One run at a time; `cancel` may be called from another thread. Exactly one of three things ends a run: the result is
    returned, Cancelled is raised, or an error of ours is raised. `low_priority`: the process yields to a window.
    """

    def __init__(self, *, low_priority: bool = False) -> None:
        self._low_priority = low_priority
        self._under_way = 0
        self._counting = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._messages: queue.Queue[Message | None] = queue.Queue()
        self._last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._cancel = threading.Event()
        self._dismissed: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id while the process lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def last_lines(self) -> str:
        """What the process printed last, for a report."""
        return "\n".join(self._last_lines)

    def start(self) -> None:
        """Starts the process if it does not live. Raises InferenceError when it cannot be started."""
        if self.pid is not None:
            return
        self.close()
        self._messages = queue.Queue()
        try:
            # Its own process group, so that Ctrl-C in a terminal reaches only the half that decides.
            self._process = subprocess.Popen(
                inference_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment(),
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            raise InferenceError("run.not_started", reason=error.strerror or str(error)) from error
        for read, arguments in (
            (self._read_messages, (self._process.stdout, self._messages)),
            (self._read_lines, (self._process.stderr,)),
        ):
            threading.Thread(target=read, args=arguments, daemon=True).start()

    def warm(self, wanted: Warm | None = None) -> None:
        """Starts the process and lets it load its libraries meanwhile. Raises InferenceError as `start`."""
        self.start()
        self._send_if_open(wanted or Warm())

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While something is under way `cancel` ends it; what was cancelled before does not count. May be nested."""
        self.expect()
        try:
            yield
        finally:
            self.no_longer_expect()

    def expect(self) -> None:
        """A run will come, on whatever thread: from now on `cancel` means that run."""
        with self._counting:
            if self._under_way == 0:
                self._cancel.clear()
            self._under_way += 1

    def no_longer_expect(self) -> None:
        """The run that was expected is over."""
        with self._counting:
            self._under_way -= 1

    def check_cancelled(self) -> None:
        """Raises Cancelled when the run under way was cancelled; for slow steps outside of `run`."""
        if self._cancel.is_set():
            raise Cancelled

    def run(self, job_file: Path, listen: Listener) -> Finished:
        """Runs a job and returns where its result is. `listen` gets progress, notes and drafts, on this thread.

        Raises Cancelled, EngineCrashed, OutOfMemory and whatever error of ours the run ended with.
        """
        with self.under_way():
            self.check_cancelled()
            return self._run(job_file, listen)

    def find_devices(self) -> Devices:
        """Asks the process which devices there are. Raises Cancelled and InferenceError."""
        with self.under_way():
            kills_before = _out_of_memory_kills()
            self.start()
            self._send(FindDevices())
            while True:
                match self._next(kills_before):
                    case Devices() as found:
                        return found
                    case Failed(kind, id, arguments):
                        raise error_from_data({"kind": kind, "id": id, "arguments": arguments})

    def cancel(self) -> None:
        """Asks the run to stop; the thread inside `run` sees to it that the process obeys or ends."""
        with self._counting:
            if self._under_way:
                self._cancel.set()

    def stop(self) -> None:
        """Ends the process: asks, terminates after 0.3 s, kills after 0.8 s. Returns when it is gone."""
        process = self._process
        if process is None:
            return
        asked = time.monotonic()
        self._send_if_open(Cancel())
        if process.stdin is not None and not process.stdin.closed:
            _close_quietly(process.stdin)
        _end(process, ASK_S, TERMINATE_S - (time.monotonic() - asked))
        self._process = None

    def dismiss(self) -> None:
        """Tells an idle process to end and does not wait for it; `close` does. The next run starts another."""
        process, self._process = self._process, None
        if process is not None:
            self._dismissed.append(process)
            if process.stdin is not None:
                _close_quietly(process.stdin)

    def close(self) -> None:
        """Ends the process and forgets it."""
        self.stop()
        while self._dismissed:
            _end(self._dismissed.pop(), ASK_S, TERMINATE_S)

    def _environment(self) -> dict[str, str]:
        """The environment of the process. What the person has set stays, but for what makes it the other half."""
        # Threads that wait for each other sleep instead of spinning: with another busy program on the same cores,
        # spinning makes networks two to four times slower, and the other program jerky.
        usual = {"OMP_WAIT_POLICY": "PASSIVE"}
        own = {"TSDESKTOP_HALF": "inference", "PYTHONUTF8": "1"}
        if self._low_priority:
            own[PRIORITY_VARIABLE] = LOW_PRIORITY
        return {**usual, **os.environ, **own}

    def _run(self, job_file: Path, listen: Listener) -> Finished:
        kills_before = _out_of_memory_kills()
        self.start()
        self._send(Run(str(job_file)))
        try:
            while True:
                match self._next(kills_before):
                    case Progress() | Noted() | Draft() as told:
                        listen(told)
                    case Finished() as finished:
                        return finished
                    case Failed(kind, id, arguments):
                        raise error_from_data({"kind": kind, "id": id, "arguments": arguments})
                    case Stopped():
                        raise Cancelled
        except (TsDesktopError, Cancelled):
            raise
        except BaseException:
            # The listener gave up or somebody pressed Ctrl-C: nobody would hear what this run still says.
            self.stop()
            raise

    def _next(self, kills_before: int) -> Message:
        """The next message; turns a wish to cancel and the end of the process into exceptions."""
        while True:
            if self._cancel.is_set():
                self._obey_cancel()
            try:
                message = self._messages.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if message is None:
                raise self._crashed(kills_before)
            return message

    def _obey_cancel(self) -> None:
        """Asks the run to stop; a process that does not answer in time is ended. Raises Cancelled when it is over."""
        self._send_if_open(Cancel())
        until = time.monotonic() + ASK_S
        while (left := until - time.monotonic()) > 0:
            try:
                message = self._messages.get(timeout=left)
            except queue.Empty:
                break
            if message is None or isinstance(message, Stopped | Finished | Failed | Devices):
                raise Cancelled
        self.stop()
        raise Cancelled

    def _crashed(self, kills_before: int) -> InferenceError:
        code = self._process.wait() if self._process is not None else 0
        self.stop()
        log.warning("the inference process ended with code %s", code)
        if _out_of_memory_kills() > kills_before:
            return OutOfMemory("run.out_of_memory", device="the computer")
        return EngineCrashed("run.crashed", code=code)

    def _send(self, command: Command) -> None:
        try:
            self._write(command)
        except OSError as error:
            raise self._crashed(_out_of_memory_kills()) from error

    def _send_if_open(self, command: Command) -> None:
        try:
            self._write(command)
        except (OSError, ValueError):
            log.debug("the inference process does not listen any more")

    def _write(self, command: Command) -> None:
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError
        self._process.stdin.write(encode(command) + "\n")
        self._process.stdin.flush()

    def _read_messages(self, stream: IO[str], messages: queue.Queue[Message | None]) -> None:
        with stream:
            for line in stream:
                try:
                    message = decode_message(line)
                except ValueError:
                    log.warning("the inference process said something that is not a message")
                    continue
                if not isinstance(message, Ready):
                    messages.put(message)
        messages.put(None)

    def _read_lines(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._last_lines.append(line.rstrip())
                log.debug("inference: %s", line.rstrip())


def inference_command() -> list[str]:
    """How this installation starts its inference half: the packaged executable itself, or this Python."""
    return own_command()


def _end(process: subprocess.Popen[str], ask_s: float, terminate_s: float) -> None:
    """Waits for a process that was asked to end, terminates it after `ask_s`, kills it `terminate_s` from now."""
    asked = time.monotonic()
    if not _ended_within(process, ask_s):
        process.terminate()
        if not _ended_within(process, terminate_s - (time.monotonic() - asked)):
            process.kill()
            process.wait()


def _ended_within(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        return False
    return True


def _close_quietly(stream: IO[str]) -> None:
    try:
        stream.close()
    except OSError:
        log.debug("the pipe to the inference process was already broken")


def _out_of_memory_kills() -> int:
    """How many processes Linux has killed for memory since it started; 0 elsewhere."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
