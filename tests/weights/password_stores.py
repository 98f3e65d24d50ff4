"""Stores of secrets as systems have them, in memory: one that works, one that is locked, one that never answers."""

from __future__ import annotations

import threading

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked


class OpenStore(KeyringBackend):
    """Keeps secrets until it goes."""

    priority = 5.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        self.threads: set[int] = set()

    def get_password(self, service: str, username: str) -> str | None:
        self._note("get")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._note("set")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._note("delete")
        del self.kept[service, username]

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.threads.add(threading.get_ident())


class LockedStore(OpenStore):
    """Refuses while `locked`, and says the secret in its complaint."""

    locked = True

    def _note(self, call: str) -> None:
        super()._note(call)
        if self.locked:
            raise KeyringLocked(f"locked: {call} {self.kept}")


class SilentStore(OpenStore):
    """Waits for a person who never comes."""

    def __init__(self) -> None:
        super().__init__()
        self.person = threading.Event()

    def _note(self, call: str) -> None:
        self.person.wait(30)
        raise KeyringLocked("nobody came")


class ForgetfulStore(OpenStore):
    """Takes secrets and keeps none."""

    def get_password(self, service: str, username: str) -> str | None:
        return None


class FileStore(OpenStore):
    """One that keyring itself does not recommend, such as an unencrypted file."""

    priority = 0.5


class WeakChain(ChainerBackend):
    """Several in one, none of which is recommended; of its own it claims the highest priority."""

    priority = 10.0
    backends = (FileStore(), FileStore())


class EmptyChain(ChainerBackend):
    """Several in one, and there are none."""

    priority = 10.0
    backends = ()


def use(store: KeyringBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes it the store of this computer until the test ends."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", keyring.get_keyring())
    keyring.set_keyring(store)
