"""A piece that torrentd loses while it seeds is gone for libtorrent too (BEP 54)."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import two_files
from tests.interop.torrentd_process import TorrentdProcess

PIECE_BYTES = 16384
PIECES = 8


def test_libtorrent_is_told_of_a_piece_whose_bytes_are_gone(
    payloads: Path, new_host: Callable[[], str], tmp_path: Path
) -> None:
    payload = two_files(payloads, PIECES // 2 * PIECE_BYTES, PIECE_BYTES, seed=54)
    copy = tmp_path / "copy" / payload.root.name
    shutil.copytree(payload.root, copy)
    with (
        TorrentdProcess(new_host(), tmp_path / "torrentd") as torrentd,
        LibtorrentClient(new_host()) as leecher,
    ):
        torrentd.command("add", str(payload.torrent_path), "--dir", str(copy.parent))
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        os.truncate(copy / "b", (PIECES // 2 - 1) * PIECE_BYTES)
        handle = leecher.download(payload.torrent_path, tmp_path / "leecher")
        handle.connect_peer((torrentd.host, torrentd.port))

        def told() -> list[int]:
            return [sum(peer.pieces) for peer in handle.get_peer_info()]

        wait_until(lambda: handle.status().num_pieces == PIECES - 1, 20, "it has all the others")
        wait_until(lambda: told() == [PIECES - 1], 20, "libtorrent knows what is gone, and stays")
        assert torrentd.torrent(payload.infohash)["state"] == "downloading"
