"""How long after the network's return torrentd is back, on a real cable with a real libtorrent.

    python -m tests.bench.outage [--rounds 3]         needs root and iproute2; ten minutes

*unplugged*: the machine itself loses its address and its link. *moved*: it comes back with another
address, as a VPN or a laptop does. *cut*: the fault is far away, so that only silence tells of it,
for a minute and a half. *stopped*: the process is (SIGSTOP), as in a paused virtual machine.
Each time a download is under way. The limit is 30 s to the first answer of a DHT node (T40).
"""

import argparse
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.interop.libtorrent_world import LibtorrentWorld
from tests.interop.namespaces import ELSEWHERE, HOME, WORLD, Cable
from tests.interop.payload import Payload, single_file
from tests.interop.test_outage import done_bytes, ipv4, replies, torrentd_at_home
from tests.interop.torrentd_process import PORT, TorrentdProcess

SIZE_BYTES = 64 * 2**20
BYTES_PER_S = 256 * 1024
UNPLUGGED_S = 5
CUT_S = 90
STOPPED_S = 60
PATIENCE_S = 120


class Home:
    """Where torrentd is, and what can befall it."""

    def __init__(self, cable: Cable, torrentd: TorrentdProcess) -> None:
        self._cable = cable
        self._torrentd = torrentd
        self._address = HOME

    def unplug(self) -> None:
        self._cable.unplug(self._address)

    def plug(self) -> None:
        self._cable.plug(self._address)

    def move(self) -> None:
        self._address = ELSEWHERE if self._address == HOME else HOME
        self.plug()

    def stop(self) -> None:
        os.kill(self._torrentd.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._torrentd.pid, signal.SIGCONT)


def seconds_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit("not within two minutes")
        time.sleep(0.1)
    return time.monotonic() - began


def measure(
    torrentd: TorrentdProcess,
    payload: Payload,
    lose: Callable[[], None],
    regain: Callable[[], None],
    away_s: float,
) -> tuple[float, float]:
    """Lose the network, and get it back: seconds to the first answer and to the first piece."""
    lose()
    time.sleep(away_s)
    if is_stopped(torrentd):
        before, had = -1, 0  # it cannot be asked
    else:
        before, had = replies(torrentd), done_bytes(torrentd, payload)
    regain()
    if before < 0:
        before, had = replies(torrentd), done_bytes(torrentd, payload)
    answered_s = seconds_until(lambda: replies(torrentd) > before)
    fetched_s = answered_s + seconds_until(lambda: done_bytes(torrentd, payload) > had)
    health = ipv4(torrentd)["health"]
    print(
        f"  first answer {answered_s:5.1f} s, first piece {fetched_s:5.1f} s, {health}", flush=True
    )
    return answered_s, fetched_s


def is_stopped(torrentd: TorrentdProcess) -> bool:
    return Path(f"/proc/{torrentd.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, Cable() as cable:
        payload = single_file(Path(folder), SIZE_BYTES)
        cable.plug()
        torrentd = torrentd_at_home(cable, Path(folder) / "torrentd")
        home = Home(cable, torrentd)
        with LibtorrentWorld(cable.world, payload, BYTES_PER_S), torrentd:
            torrentd.command("add", payload.magnet)
            torrentd.command("add-peer", payload.infohash, f"{WORLD[2]}:{PORT}")
            seconds_until(lambda: done_bytes(torrentd, payload) > 0)
            losses = (
                ("unplugged", home.unplug, home.plug, UNPLUGGED_S),
                ("moved", home.unplug, home.move, UNPLUGGED_S),
                ("stopped", home.stop, home.go_on, STOPPED_S),
                ("cut", cable.cut, cable.mend, CUT_S),
            )
            for name, lose, regain, away_s in losses:
                print(f"{name} for {away_s} s:", flush=True)
                times = [measure(torrentd, payload, lose, regain, away_s) for _ in range(rounds)]
                answered = [answered_s for answered_s, _ in times]
                fetched = [fetched_s for _, fetched_s in times]
                print(
                    f"  median {statistics.median(answered):.1f} s and "
                    f"{statistics.median(fetched):.1f} s, worst {max(answered):.1f} s and "
                    f"{max(fetched):.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
