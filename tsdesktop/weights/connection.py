"""How the program reaches the network, and only when somebody asked for something: proxy, certificates, timeouts.

Nothing here is called by looking at networks, opening scans or running them.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsdesktop.core.errors import Cancelled, WeightsError
from tsdesktop.core.settings import load_settings
from tsdesktop.core.version import __version__
from tsdesktop.weights.packages import Package
from tsdesktop.weights.stopping import Stop

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
RELEASES = "https://github.com/wasserth/TotalSegmentator/releases/download/"
MIRROR_VARIABLE = "TSDESKTOP_DOWNLOAD_MIRROR"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MOST_REDIRECTS = 10
_LOOK_S = 0.1


@dataclass(frozen=True)
class Patience:
    """How long is waited, and how often something is tried again.

    `tries` are those in a row that bring nothing new; the pauses between them double from `first_wait_s` to
    `most_wait_s`, or are what the server asks for, up to `most_asked_wait_s`. A connection slower than
    `least_bytes_per_s` for `slow_after_s` is given up and made anew. `whole_again`: how often a file that arrived
    damaged is fetched from its beginning again.
    """

    tries: int = 6
    first_wait_s: float = 1.0
    most_wait_s: float = 30.0
    most_asked_wait_s: float = 120.0
    connect_s: float = 15.0
    read_s: float = 30.0
    least_bytes_per_s: float = 1024.0
    slow_after_s: float = 30.0
    whole_again: int = 2


def mirror() -> str:
    """The address networks are downloaded from instead of their makers' release page, "" when it is theirs."""
    return (os.environ.get(MIRROR_VARIABLE) or load_settings().download_mirror).strip().rstrip("/")


def download_address(package: Package) -> str:
    """Where the zip of a package with a public address is downloaded from; "" for a package without one."""
    address = package.url or ""
    given = mirror()
    return f"{given}/{address.removeprefix(RELEASES)}" if given and address.startswith(RELEASES) else address


def shown_address(address: str) -> str:
    """An address as it may be stored and shown: without names, passwords and signatures."""
    scheme, mark, rest = address.partition("?")[0].partition("#")[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def open_client(patience: Patience | None = None) -> httpx.Client:
    """A client with the proxy of the settings, else the system's, which trusts what the system and the settings trust.

    Raises WeightsError when the proxy or the file of certificates of the settings cannot be used.
    """
    import httpx

    _keep_addresses_out_of_logs()
    patience = patience or Patience()
    proxy = _proxy()
    try:
        return httpx.Client(
            verify=_trust(),
            proxy=proxy or None,
            # This computer is never behind a proxy.
            mounts={f"all://{host}": None for host in _LOOPBACK},
            follow_redirects=True,
            timeout=httpx.Timeout(patience.read_s, connect=patience.connect_s),
            headers={"User-Agent": f"tsdesktop/{__version__}", "Accept-Encoding": "identity"},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        # The reason could quote the password in the address.
        log.debug("no client: %s", type(error).__name__)
        raise WeightsError("weights.bad_proxy", proxy=shown_address(proxy) or "of the system") from None


def send(client: httpx.Client, request: httpx.Request, stop: Stop) -> httpx.Response:
    """The answer to `request`, redirects followed, its body still to be read and to be closed by the caller.

    Raises Cancelled at once when stopped, also while a connection is being made; httpx.HTTPError; WeightsError when the
    way leads on to an address without encryption, or would take what is sent elsewhere.
    """
    import httpx

    for _ in range(_MOST_REDIRECTS):
        response = _answer(client, request, stop)
        following = response.next_request
        if following is None:
            return response
        response.close()
        if request.method != "GET":
            raise WeightsError("weights.wrong_answer", host=request.url.host)
        if request.url.scheme == "https" and following.url.scheme != "https":
            raise WeightsError("weights.insecure", host=request.url.host)
        request = following
    raise httpx.TooManyRedirects("redirected again and again", request=request)


def _answer(client: httpx.Client, request: httpx.Request, stop: Stop) -> httpx.Response:
    """Looking up a name and connecting cannot be interrupted: they are left to a thread, which may be left alone."""
    answer: Future[httpx.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(client.send(request, stream=True, follow_redirects=False))
        except Exception as error:  # handed to whoever waits
            answer.set_exception(error)

    stop.check()
    threading.Thread(target=ask, name="connecting", daemon=True).start()
    while not wait([answer], timeout=_LOOK_S).done:
        if stop.is_set:
            answer.add_done_callback(_close)
            raise Cancelled
    return answer.result()


def _close(answer: Future[httpx.Response]) -> None:
    if answer.exception() is None:
        answer.result().close()


def _proxy() -> str:
    given = load_settings().proxy.strip()
    return f"http://{given}" if given and "://" not in given else given


def _trust() -> ssl.SSLContext:
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name, told in _certificate_files().items():
        try:
            context.load_verify_locations(cafile=name)
        except (OSError, ValueError) as error:
            reason = _reason(error)
            if told:
                raise WeightsError("weights.bad_certificates", name=Path(name).name, reason=reason) from error
            log.warning("the certificates of SSL_CERT_FILE could not be read: %s", reason)
    return context


def _certificate_files() -> Mapping[str, bool]:
    """Files of certificates, and whether somebody must be told when one cannot be used."""
    given = {os.environ.get("SSL_CERT_FILE", ""): False, load_settings().certificates.strip(): True}
    return {name: told for name, told in given.items() if name}


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds no certificates in PEM form"
    return (error.strerror if isinstance(error, OSError) else None) or "it cannot be read"


def _keep_addresses_out_of_logs() -> None:
    """Both write every address at INFO and DEBUG, with signatures and names in them."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
