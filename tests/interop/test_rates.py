"""With a real client at the other end no limit is exceeded; a slow machine fails nothing here."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess

LIMIT_BYTES_PER_S = 2_000_000
SIZE_BYTES = 6_000_000


@pytest.fixture(scope="module")
def payload(payloads: Path) -> Payload:
    return single_file(payloads, SIZE_BYTES, seed=11)


def test_a_torrent_is_not_faster_than_a_limit_of_its_own_set_while_it_runs(
    payload: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    with (
        TorrentdProcess(
            new_host(), tmp_path / "torrentd", rates={"limit_local_network": True}
        ) as torrentd,
        LibtorrentClient(new_host()) as libtorrent,
    ):
        libtorrent.seed(payload)
        torrentd.command("add", str(payload.torrent_path))
        torrentd.command("limits", payload.infohash, "--down", str(LIMIT_BYTES_PER_S))
        began = time.monotonic()
        torrentd.command("add-peer", payload.infohash, f"{libtorrent.host}:{libtorrent.port}")
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        took_s = time.monotonic() - began
        assert payload.is_complete_in(torrentd.downloads)
    assert SIZE_BYTES / took_s < 1.15 * LIMIT_BYTES_PER_S


def limited(host: str, directory: Path, key: str) -> TorrentdProcess:
    rates = {key: LIMIT_BYTES_PER_S, "limit_local_network": True}
    return TorrentdProcess(host, directory, rates=rates)


def test_a_download_is_not_faster_than_its_limit(
    payload: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    with (
        limited(new_host(), tmp_path / "torrentd", "download_bytes_per_s_max") as torrentd,
        LibtorrentClient(new_host()) as libtorrent,
    ):
        libtorrent.seed(payload)
        torrentd.command("add", str(payload.torrent_path))
        began = time.monotonic()
        torrentd.command("add-peer", payload.infohash, f"{libtorrent.host}:{libtorrent.port}")
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        took_s = time.monotonic() - began
        assert payload.is_complete_in(torrentd.downloads)
    assert SIZE_BYTES / took_s < 1.15 * LIMIT_BYTES_PER_S


def test_an_upload_is_not_faster_than_its_limit(
    payload: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    with (
        limited(new_host(), tmp_path / "torrentd", "upload_bytes_per_s_max") as torrentd,
        LibtorrentClient(new_host()) as libtorrent,
    ):
        torrentd.command("add", str(payload.torrent_path), "--dir", str(payload.parent))
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        handle = libtorrent.download(payload.torrent_path, tmp_path / "libtorrent")
        began = time.monotonic()
        handle.connect_peer((torrentd.host, torrentd.port))
        wait_until(lambda: handle.status().is_seeding, 60, "libtorrent has it all")
        took_s = time.monotonic() - began
    assert SIZE_BYTES / took_s < 1.15 * LIMIT_BYTES_PER_S
