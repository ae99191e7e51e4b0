"""libtorrent as a process of its own, for the far end of a `Cable`: a DHT node and a peer at each
of several addresses. It seeds a torrent, slowly, until its standard input is closed.

    python -m tests.interop.libtorrent_world TORRENT FOLDER BYTES_PER_S ADDRESS…
"""

import subprocess
import sys
from pathlib import Path

import libtorrent as lt

from tests.interop.libtorrent_client import PORT, SETTINGS
from tests.interop.namespaces import WORLD, in_namespace
from tests.interop.payload import Payload
from torrentd.wire.formats.address import Address


class LibtorrentWorld:
    """The process, seen from the test. Use as a context manager."""

    def __init__(
        self,
        namespace: str,
        payload: Payload,
        bytes_per_s: int,
        addresses: tuple[str, ...] = WORLD,
    ) -> None:
        self._command = in_namespace(
            namespace,
            *(sys.executable, "-m", __name__, str(payload.torrent_path), str(payload.parent)),
            *(str(bytes_per_s), *addresses),
        )

    def __enter__(self) -> "LibtorrentWorld":
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def main(torrent: str, folder: str, bytes_per_s: str, *addresses: str) -> None:
    listen = ",".join(str(Address(address, PORT)) for address in addresses)
    session = lt.session({**SETTINGS, "enable_dht": True, "listen_interfaces": listen})
    for address in addresses:
        session.add_dht_node((address, PORT))
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    params.flags = lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    handle.set_upload_limit(int(bytes_per_s))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    assert Path(sys.argv[1]).is_file()
    main(*sys.argv[1:])
