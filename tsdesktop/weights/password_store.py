"""The system's own store of secrets, where it has one: Keychain, Credential Manager, Secret Service, KWallet.

It may ask the person to unlock it, and waits until they have: never call this on the main thread. Nothing here is
logged but the kind of a failure.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
_SERVICE, _ENTRY = "tsdesktop", "licence"
# What keyring itself recommends; below are files and stores that ask for a password on the terminal.
_LEAST_PRIORITY = 1
# Long enough to type a password, and not for ever: where nobody sees the question the store never answers.
_PATIENCE_S = 60.0


class StoreRefused(Exception):
    """There is no store, it stayed locked, or it failed."""


def has_store() -> bool:
    """Whether this computer has a store that can be used."""
    return _backend() is not None


def read_secret() -> str:
    """What is kept; "" when nothing is. Raises StoreRefused."""
    backend = _usable_backend()
    return _in_time(lambda: backend.get_password(_SERVICE, _ENTRY)) or ""


def keep_secret(secret: str) -> None:
    """Keeps `secret` in place of what was kept. Raises StoreRefused, also when it cannot be read back."""
    backend = _usable_backend()
    _in_time(lambda: backend.set_password(_SERVICE, _ENTRY, secret))
    if read_secret() != secret:
        raise StoreRefused


def drop_secret() -> None:
    """Removes what is kept, if anything is. Raises StoreRefused."""
    backend = _usable_backend()
    if read_secret():
        _in_time(lambda: backend.delete_password(_SERVICE, _ENTRY))


def _usable_backend() -> KeyringBackend:
    backend = _backend()
    if backend is None:
        raise StoreRefused
    return backend


def _backend() -> KeyringBackend | None:
    import keyring

    try:
        backend = keyring.get_keyring()
        return backend if _priority(backend) >= _LEAST_PRIORITY else None
    except Exception as error:
        log.warning("the system's password store cannot be used: %s", type(error).__name__)
        return None


def _priority(backend: KeyringBackend) -> float:
    """That of the best store where one stands for several, whose own says nothing of them."""
    from keyring.backends.chainer import ChainerBackend

    if isinstance(backend, ChainerBackend):
        return max((float(each.priority) for each in backend.backends), default=0.0)
    return float(backend.priority)


def _in_time(call: Callable[[], Answer]) -> Answer:
    """Calls a store that may wait for a person, in a thread of its own that can be given up. Raises StoreRefused."""
    answers: list[Answer] = []

    def work() -> None:
        try:
            answers.append(call())
        except Exception as error:
            # Stores raise what their libraries raise.
            log.warning("the system's password store refused: %s", type(error).__name__)

    thread = threading.Thread(target=work, name="password store", daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    if not answers:
        raise StoreRefused
    return answers[0]
