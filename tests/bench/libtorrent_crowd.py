"""Many libtorrent sessions in one process, for `make bench-crowd`.

    python -m tests.bench.libtorrent_crowd seed HOST,HOST… TORRENT_FILE DIRECTORY BYTES_PER_S
    python -m tests.bench.libtorrent_crowd leech HOST,HOST… MAGNET DIRECTORY BYTES_PER_S

Each is limited to so many bytes a second (0: not). Seeders print `ready` and stay until their
standard input ends. Leechers begin soon after each other when a line is read, and print one when
all are done. They hear of nobody but the peer that the magnet names, and dial it each from an
address of its own: many behind one address look like one that takes and takes.
"""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

import libtorrent as lt

from tests.interop.libtorrent_client import LibtorrentClient
from tests.interop.payload import Payload

POLL_S = 0.05
BETWEEN_S = 0.05  # thirty a second are let in; who is refused comes again after a minute
SETTINGS: "lt.settings_pack" = {
    "aio_threads": 1,
    "hashing_threads": 1,
}


def seed(sessions: list[LibtorrentClient], torrent_path: Path, directory: Path, rate: int) -> None:
    infohash = str(lt.torrent_info(str(torrent_path)).info_hashes().v1)
    for session in sessions:
        handle = session.seed(Payload(directory, directory, torrent_path, infohash))
        handle.set_upload_limit(rate)
    print("ready", flush=True)
    sys.stdin.read()


def leech(sessions: list[LibtorrentClient], magnet: str, directory: Path, rate: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    handles: list[lt.torrent_handle] = []
    for number, session in enumerate(sessions):
        params = lt.parse_magnet_uri(magnet)
        params.save_path = str(directory / str(number))
        params.flags |= lt.torrent_flags.disable_pex
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        params.download_limit = rate
        handles.append(session.session.add_torrent(params))
        time.sleep(BETWEEN_S)
    while not all(handle.status().is_seeding for handle in handles):
        time.sleep(POLL_S)
    print("done", flush=True)


def main() -> None:
    role, hosts, what, directory, rate = sys.argv[1:]
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(LibtorrentClient(host, {**SETTINGS, "outgoing_interfaces": host}))
            for host in hosts.split(",")
        ]
        if role == "seed":
            seed(sessions, Path(what), Path(directory), int(rate))
        else:
            leech(sessions, what, Path(directory), int(rate))


if __name__ == "__main__":
    main()
