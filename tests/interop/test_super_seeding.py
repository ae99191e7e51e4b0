"""torrentd seeds super to libtorrent leechers, and takes from a libtorrent that does (BEP 16)."""

from collections.abc import Callable
from pathlib import Path

import libtorrent as lt

from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess


def payload_of(payloads: Path) -> Payload:
    return single_file(payloads, 40 * 16384 + 5, 16384, seed=16)


def test_two_libtorrents_get_all_of_it_and_are_told_of_little(
    payloads: Path, new_host: Callable[[], str], tmp_path: Path
) -> None:
    payload = payload_of(payloads)
    slow: dict[str, int | bool] = {"limit_local_network": True, "upload_bytes_per_s_max": 150_000}
    with (
        TorrentdProcess(new_host(), tmp_path / "torrentd", rates=slow) as torrentd,
        LibtorrentClient(new_host()) as one,
        LibtorrentClient(new_host()) as two,
    ):
        torrentd.command(
            "add", str(payload.torrent_path), "--dir", str(payload.parent), "--super-seed"
        )
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        handles = [
            client.download(payload.torrent_path, tmp_path / str(number))
            for number, client in enumerate((one, two))
        ]
        for handle in handles:
            handle.connect_peer((torrentd.host, torrentd.port))

        def told() -> list[int]:
            """How many pieces torrentd claims."""
            peers = handles[0].get_peer_info()
            return [sum(peer.pieces) for peer in peers if peer.ip[0] == torrentd.host]

        wait_until(lambda: told() not in ([], [0]), 20, "it is shown pieces")
        assert told() != [41]
        handles[0].connect_peer((two.host, two.port))
        wait_until(lambda: all(h.status().is_seeding for h in handles), 60, "both have it all")
        uploaded = torrentd.torrent(payload.infohash)["uploaded_bytes"]
        assert isinstance(uploaded, int) and uploaded < 1.5 * payload.root.stat().st_size


def test_a_libtorrent_that_ceases_to_seed_super_keeps_us(
    payloads: Path, new_host: Callable[[], str], tmp_path: Path
) -> None:
    """It sends have-all late; before, it was taken for a liar for that."""
    payload = payload_of(payloads)
    slow: dict[str, int | bool] = {"limit_local_network": True, "download_bytes_per_s_max": 30_000}
    with (
        TorrentdProcess(new_host(), tmp_path / "torrentd", rates=slow) as torrentd,
        LibtorrentClient(new_host()) as libtorrent,
    ):
        handle = libtorrent.seed(payload)
        handle.set_flags(lt.torrent_flags.super_seeding)
        torrentd.command("add", str(payload.torrent_path))
        torrentd.command("add-peer", payload.infohash, f"{libtorrent.host}:{libtorrent.port}")
        wait_until(lambda: done_bytes(torrentd, payload) > 0, 20, "it is shown pieces")
        handle.unset_flags(lt.torrent_flags.super_seeding)
        torrentd.command("limits", "--down", "0")
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
    assert "bitfield" not in torrentd.log_path.read_text()


def done_bytes(torrentd: TorrentdProcess, payload: Payload) -> int:
    value = torrentd.torrent(payload.infohash)["done_bytes"]
    assert isinstance(value, int)
    return value
