"""One libtorrent that seeds many small torrents, the peer behind every infohash of the benchmark.

    python -m tests.bench.mainline.seeder DIRECTORY COUNT

Prints the infohashes as one JSON line, and stays until its standard input ends. The torrents are
alike but for their names: 16 MiB of zeros (a sparse file) in pieces of 16 KiB, so that the metadata
has the usual 20 KB.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Final

import libtorrent as lt

from tests.interop.libtorrent_client import SETTINGS, wait_until
from torrentd.wire.formats.bencode import encode

PORT: Final = 26883
PIECE_BYTES: Final = 16 * 1024
PIECES: Final = 1000


def make_torrent(name: str) -> bytes:
    pieces = hashlib.sha1(bytes(PIECE_BYTES)).digest() * PIECES
    return encode(
        {
            b"info": {
                b"length": PIECES * PIECE_BYTES,
                b"name": name.encode(),
                b"piece length": PIECE_BYTES,
                b"pieces": pieces,
            }
        }
    )


def main() -> None:
    directory, count = Path(sys.argv[1]), int(sys.argv[2])
    session = lt.session({**SETTINGS, "listen_interfaces": f"127.0.0.1:{PORT}"})
    handles = []
    for index in range(count):
        name = f"magnet-{index}"
        with (directory / name).open("wb") as file:
            file.truncate(PIECES * PIECE_BYTES)
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(make_torrent(name))
        params.save_path = str(directory)
        params.flags = lt.torrent_flags.seed_mode
        handles.append(session.add_torrent(params))
    wait_until(lambda: all(handle.status().is_seeding for handle in handles), 60, "all are seeded")
    print(json.dumps([str(handle.info_hashes().v1) for handle in handles]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
