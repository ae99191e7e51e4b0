"""How long after the network's return torrentd is back, on a real cable with a real libtorrent.

    python -m tests.bench.outage [--rounds 3]         needs root and iproute2; some minutes

*unplugged*: the machine itself loses its address and its link. *cut*: the fault is far away, so
that only silence tells of it, for a minute and a half. Each time a download is under way. The limit
is 30 s to the first answer of a DHT node (T40).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.interop.libtorrent_world import LibtorrentWorld
from tests.interop.namespaces import WORLD, Cable
from tests.interop.payload import Payload, single_file
from tests.interop.test_outage import done_bytes, ipv4, replies, torrentd_at_home
from tests.interop.torrentd_process import PORT, TorrentdProcess

SIZE_BYTES = 64 * 2**20
BYTES_PER_S = 256 * 1024
UNPLUGGED_S = 5
CUT_S = 90
PATIENCE_S = 120


def seconds_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit("not within two minutes")
        time.sleep(0.1)
    return time.monotonic() - began


def measure(
    torrentd: TorrentdProcess, payload: Payload, lose: Callable[[], None], away_s: float
) -> Callable[[Callable[[], None]], tuple[float, float]]:
    """Lose the network; what comes back measures its return."""
    lose()
    time.sleep(away_s)
    health = ipv4(torrentd)["health"]
    before, had = replies(torrentd), done_bytes(torrentd, payload)

    def back(regain: Callable[[], None]) -> tuple[float, float]:
        regain()
        answered_s = seconds_until(lambda: replies(torrentd) > before)
        fetched_s = answered_s + seconds_until(lambda: done_bytes(torrentd, payload) > had)
        print(f"  {health:>8}: first answer {answered_s:5.1f} s, first piece {fetched_s:5.1f} s")
        return answered_s, fetched_s

    return back


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, Cable() as cable:
        payload = single_file(Path(folder), SIZE_BYTES)
        cable.plug()
        torrentd = torrentd_at_home(cable, Path(folder) / "torrentd")
        with LibtorrentWorld(cable.world, payload, BYTES_PER_S), torrentd:
            torrentd.command("add", payload.magnet)
            torrentd.command("add-peer", payload.infohash, f"{WORLD[2]}:{PORT}")
            seconds_until(lambda: done_bytes(torrentd, payload) > 0)
            losses = (
                ("unplugged", cable.unplug, cable.plug, UNPLUGGED_S),
                ("cut", cable.cut, cable.mend, CUT_S),
            )
            for name, lose, regain, away_s in losses:
                print(f"{name} for {away_s} s:")
                times = [measure(torrentd, payload, lose, away_s)(regain) for _ in range(rounds)]
                answered = [answered_s for answered_s, _ in times]
                fetched = [fetched_s for _, fetched_s in times]
                print(
                    f"  median {statistics.median(answered):.1f} s and "
                    f"{statistics.median(fetched):.1f} s, worst {max(answered):.1f} s and "
                    f"{max(fetched):.1f} s"
                )


if __name__ == "__main__":
    main()
