"""`make bench-hostile`: the figures of T17 and T20, at full size.

A download from two honest seeds (libtorrent, 10 MB/s each), once undisturbed and once among a
thousand hostile peers; then thousands of connections that never finish a handshake or never read,
with an honest stranger at the door all the time. Some three minutes; payload on tmpfs.
"""

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.interop.hostile_peers import KINDS, SLOW_KINDS, Crowd, never_reads
from tests.interop.libtorrent_client import LibtorrentClient
from tests.interop.payload import Payload, single_file
from tests.interop.test_hostile import descriptors, resident_bytes, shake_hands
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.ctl.client import Client

MIB = 2**20
SEED_BYTES_PER_S = 10_000_000
DAEMON, STRANGER = "127.220.1.1", "127.221.{}.1"
SEEDS = ("127.222.1.1", "127.222.2.1")
POLL_S = 0.1
TIMEOUT_S = 300.0


def download(payload: Payload, scratch: Path, hostile: int) -> tuple[float, int, float, bool]:
    """Seconds, more memory, the longest `status`, and whether both honest seeds stayed."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=scratch)))
        for host in SEEDS:
            seeder = stack.enter_context(LibtorrentClient(host))
            seeder.seed(payload).set_upload_limit(SEED_BYTES_PER_S)
        torrentd = stack.enter_context(TorrentdProcess(DAEMON, scratch / "torrentd"))
        client = Client(str(torrentd.socket))
        base = resident_bytes(torrentd.pid)
        torrentd.command("add", payload.magnet)
        if hostile:
            stack.enter_context(Crowd(DAEMON, torrentd.port, payload.infohash, hostile))
            time.sleep(5.0)  # they are there first
        began = time.monotonic()
        for host in SEEDS:
            torrentd.command("add-peer", payload.infohash, f"{host}:{torrentd.port}")
        most = longest_s = 0.0
        stayed = False
        while True:
            asked = time.monotonic()
            status = client.call("status", {"torrents": [payload.infohash]})
            longest_s = max(longest_s, time.monotonic() - asked)
            most = max(most, resident_bytes(torrentd.pid) - base)
            if status.children("torrents")[0].text("state") == "seeding":
                break
            peers = client.call("peers", {"torrent": payload.infohash}).children("peers")
            addresses = {peer.text("address").rpartition(":")[0] for peer in peers}
            stayed = set(SEEDS) <= addresses
            if time.monotonic() > began + TIMEOUT_S:
                raise SystemExit(f"FAILED: not done in {TIMEOUT_S} s; honest seeds here: {stayed}")
            time.sleep(POLL_S)
        elapsed_s = time.monotonic() - began
        client.close()
        assert payload.is_complete_in(torrentd.downloads), "what arrived is not what was seeded"
        return elapsed_s, int(most), longest_s, stayed


def slow_ones(payload: Payload, scratch: Path, count: int) -> dict[str, object]:
    """T20: how long each kind held out, and how long an honest stranger waited."""
    with TorrentdProcess(DAEMON, scratch / "slow") as torrentd:
        torrentd.command("add", str(payload.torrent_path), "--dir", str(payload.parent))
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        base = descriptors(torrentd.pid)
        kinds = {**SLOW_KINDS, "never_reads": never_reads}
        waits = []
        with Crowd(
            DAEMON, torrentd.port, payload.infohash, count, kinds, once=True, network=204
        ) as crowd:
            time.sleep(1.0)
            for number in range(250):
                if not crowd.connected:
                    break
                source = STRANGER.format(number + 1)
                waits.append(shake_hands(torrentd, payload.infohash, source))
                time.sleep(0.5)
            time.sleep(1.0)
            return {
                "held_out_s": {kind: round(s, 1) for kind, s in crowd.longest_s.items()},
                "gone": crowd.ended.total(),
                "still_there": crowd.connected,
                "stranger_waited_s_max": round(max(waits), 3),
                "descriptors_more": descriptors(torrentd.pid) - base,
            }


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-hostile", description=__doc__)
    parser.add_argument("--hostile", type=int, default=1000)
    parser.add_argument("--slow", type=int, default=4000)
    parser.add_argument("--size-mib", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-hostile-") as name:
        scratch = Path(name)
        payload = single_file(scratch / "payload", options.size_mib * MIB, MIB)
        calm_s, calm_bytes, _, _ = download(payload, scratch, 0)
        s, more_bytes, longest_s, stayed = download(payload, scratch, options.hostile)
        kinds = ", ".join(KINDS)
        print(f"T17: {options.size_mib} MiB among {options.hostile} hostile peers ({kinds})")
        print(f"  speed {calm_s / s:.2f} x undisturbed ({s:.1f} s, {calm_s:.1f} s); asked: 0.80")
        print(f"  memory +{(more_bytes - calm_bytes) / MIB:.0f} MiB beside it; asked: 100")
        print(f"  longest status {longest_s * 1000:.0f} ms; asked: 200")
        print(f"  honest seeds stayed: {stayed}")
        print(f"T20: {json.dumps(slow_ones(payload, scratch, options.slow))}")
        print("  asked: half handshakes gone in 15 s, non-readers in 75 s, a stranger in 1 s")


if __name__ == "__main__":
    main()
