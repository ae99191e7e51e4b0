"""An honest download among peers that want to do harm, and a door that stays open (T17, T20).

`make bench-hostile` is the same at full size, with figures.
"""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.interop.hostile_peers import KINDS, SLOW_KINDS, Crowd
from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess

CROWD = 66
SIZE_BYTES = 24 * 2**20
SEED_BYTES_PER_S = 4 * 2**20
MEMORY_BYTES_MAX = 100 * 2**20  # T17, of a thousand of them


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def shake_hands(torrentd: TorrentdProcess, infohash: str, source: str) -> float:
    """The seconds until an honest stranger has the daemon's handshake."""
    began = time.monotonic()
    address = (torrentd.host, torrentd.port)
    with socket.create_connection(address, timeout=10, source_address=(source, 0)) as peer:
        head = b"\x13BitTorrent protocol" + bytes(8)
        peer.sendall(head + bytes.fromhex(infohash) + b"-HO0001-honesthonest")
        answer = b""
        while len(answer) < 68:
            part = peer.recv(68 - len(answer))
            assert part, "an honest peer was sent away"
            answer += part
    return time.monotonic() - began


def test_a_download_from_honest_seeds_goes_on_among_hostile_peers(
    new_host: Callable[[], str], tmp_path: Path
) -> None:
    payload = single_file(tmp_path / "payload", SIZE_BYTES)
    with ExitStack() as stack:
        seeders = [stack.enter_context(LibtorrentClient(new_host())) for _ in range(2)]
        for seeder in seeders:
            seeder.seed(payload).set_upload_limit(SEED_BYTES_PER_S)
        torrentd = stack.enter_context(TorrentdProcess(new_host(), tmp_path / "torrentd"))
        base_bytes = resident_bytes(torrentd.pid)
        torrentd.command("add", payload.magnet)
        crowd = stack.enter_context(Crowd(torrentd.host, torrentd.port, payload.infohash, CROWD))
        wait_until(lambda: len(crowd.ended) >= 4, 30, "the crowd is at work")
        for seeder in seeders:
            torrentd.command("add-peer", payload.infohash, f"{seeder.host}:{seeder.port}")
        here, most_bytes = watch(torrentd, payload, {seeder.host for seeder in seeders})
        assert payload.is_complete_in(torrentd.downloads)
        assert here, "an honest seed was sent away"
        assert most_bytes - base_bytes < MEMORY_BYTES_MAX
        assert {"garbage", "nonsense", "liar", "unrequested"} <= set(crowd.ended)
        assert set(KINDS) >= set(crowd.ended)
        assert "Traceback" not in torrentd.log_path.read_text()


def watch(torrentd: TorrentdProcess, payload: Payload, honest: set[str]) -> tuple[bool, int]:
    """Until the download is done: were the honest there when it was last seen running, and the
    most memory that the daemon had."""
    here, most_bytes = False, 0
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        peers = torrentd.command("--json", "peers", payload.infohash)
        most_bytes = max(most_bytes, resident_bytes(torrentd.pid))
        state = torrentd.torrent(payload.infohash)["state"]
        if state == "seeding":
            return here, most_bytes
        here = all(f'"{host}:' in peers for host in honest)
    raise AssertionError("the download was not done within 90 s")


def test_peers_that_never_finish_a_handshake_are_gone_in_time_and_keep_nobody_out(
    single: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    """Slowloris: three times as many as may wait at once."""
    with TorrentdProcess(new_host(), tmp_path / "torrentd", limits={"half_open_max": 20}) as daemon:
        daemon.command("add", str(single.torrent_path), "--dir", str(single.parent))
        daemon.command("wait", single.infohash, "--timeout", "60", timeout_s=70)
        base = descriptors(daemon.pid)
        with Crowd(
            daemon.host, daemon.port, single.infohash, 60, SLOW_KINDS, once=True, network=204
        ) as crowd:
            wait_until(lambda: crowd.connected + crowd.ended.total() == 60, 10, "all have come")
            shake_hands(daemon, single.infohash, new_host())
            wait_until(lambda: crowd.connected == 0, 30, "all are gone")
            assert descriptors(daemon.pid) <= base + 2
        assert set(crowd.ended) == set(SLOW_KINDS)
