"""Partial seeds (BEP 21) beside libtorrent: each side sees that the other wants nothing, and that
it wants something again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import libtorrent as lt
import pytest

from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import Payload, two_files
from tests.interop.torrentd_process import TorrentdProcess


@pytest.fixture(scope="module")
def payload(payloads: Path) -> Payload:
    return two_files(payloads, 4 * 65536)


def test_libtorrent_sees_it_of_torrentd(
    payload: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    slow: dict[str, int | bool] = {"limit_local_network": True, "upload_bytes_per_s_max": 60_000}
    with (
        TorrentdProcess(new_host(), tmp_path / "torrentd", rates=slow) as torrentd,
        LibtorrentClient(new_host()) as leecher,
    ):
        torrentd.command("add", str(payload.torrent_path), "--select", "0")
        with LibtorrentClient(new_host()) as seed:
            seed.seed(payload)
            torrentd.command("add-peer", payload.infohash, f"{seed.host}:{seed.port}")
            torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        handle = leecher.download(payload.torrent_path, tmp_path / "leecher")
        handle.connect_peer((torrentd.host, torrentd.port))

        def is_upload_only() -> list[bool]:
            return [bool(p.flags & lt.peer_info.upload_only) for p in handle.get_peer_info()]

        wait_until(lambda: is_upload_only() == [True], 20, "libtorrent sees a partial seed")
        torrentd.command("files", payload.infohash, "--select", "0-1")
        wait_until(lambda: is_upload_only() == [False], 20, "that it is no more")


def test_torrentd_sees_it_of_libtorrent(
    payload: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    (tmp_path / "partial" / payload.root.name).mkdir(parents=True)
    shutil.copy(payload.root / "a", tmp_path / "partial" / payload.root.name / "a")
    slow: dict[str, int | bool] = {
        "limit_local_network": True,
        "download_bytes_per_s_max": 10_000,
    }
    with (
        TorrentdProcess(new_host(), tmp_path / "torrentd", rates=slow) as torrentd,
        LibtorrentClient(new_host()) as libtorrent,
    ):
        handle = libtorrent.download(payload.torrent_path, tmp_path / "partial")
        names = lt.torrent_info(str(payload.torrent_path)).layout()
        handle.prioritize_files([4 * names.file_path(i).endswith("a") for i in range(2)])
        wait_until(lambda: handle.status().is_finished, 20, "libtorrent is a partial seed")
        torrentd.command("add", str(payload.torrent_path))
        torrentd.command("add-peer", payload.infohash, f"{libtorrent.host}:{libtorrent.port}")

        def flags() -> list[str]:
            peers = json.loads(torrentd.command("--json", "peers", payload.infohash))["peers"]
            return ["O" if "O" in peer["flags"] else "" for peer in peers]

        wait_until(lambda: flags() == ["O"], 20, "torrentd sees a partial seed, and stays")
        handle.prioritize_files([4, 4])
        wait_until(lambda: flags() == [""], 20, "that it is no more")
