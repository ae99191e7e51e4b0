"""`make bench-flood` (T32): torrentd under 100,000 datagrams of garbage a second.

Meanwhile it downloads over TCP, one torrent again and again, and a quiet node asks it four times a
second. The speed is compared with that of the same download without a flood, and with the same
flood sent into a socket that nobody reads: what the generator itself takes away on two cores is
not torrentd's doing. A stranger, of whom torrentd knows nothing, is counted beside the quiet node:
among valid queries from spoofed sources nobody could tell him from one of those.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench import garbage
from tests.bench.quiet_node import QuietNode
from tests.bench.transfer import SEEDER, libtorrent_seeder, process_cpu_s
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client

MIB = 2**20
HOST, SINK, QUIET, STRANGER = "127.9.1.1", "127.9.1.9", "127.9.2.1", "127.9.2.2"
PORT = 6881
RATES = (20_000, 100_000)
SPEED_MIN = 0.5
ANSWERED_MIN = {20_000: 0.9, 100_000: 0.3}
LAG_P99_S_MAX = 0.1
RSS_MIB_MAX = 20.0
RECOVERY_S_MAX = 2.0


class Downloads(threading.Thread):
    """The same torrent, downloaded again and again; `speeds` in MiB/s, of whole downloads."""

    def __init__(self, path: Path, payload: Payload) -> None:
        super().__init__()
        self.speeds: list[float] = []
        self.stopping = False
        self._client = Client(str(path))
        self._payload = payload
        self.start()

    def run(self) -> None:
        which: list[Json] = [self._payload.infohash]
        size_mib = self._payload.root.stat().st_size / MIB
        while not self.stopping:
            began_at = time.monotonic()
            self._client.call("add", {"uri": f"{self._payload.magnet}&x.pe={SEEDER}:6881"})
            reached = self._client.call("wait", {"torrents": which, "timeout_s": 120}, answer_s=130)
            assert reached.flag("reached")
            self.speeds.append(size_mib / (time.monotonic() - began_at))
            self._client.call("remove", {"torrents": which, "data": True})
        self._client.close()

    def stop(self) -> float:
        """The speed: the median of the downloads that were whole."""
        self.stopping = True
        self.join()
        return statistics.median(self.speeds)


@dataclass(frozen=True)
class Seen:
    """What one flood did."""

    sent_per_s: float
    mib_per_s: float
    quiet: float
    stranger: float
    lag_p99_s: float
    rss_mib: float
    recovery_s: float
    cpu_share: float


class Scene:
    """torrentd with a known node and a seeder."""

    def __init__(self, stack: ExitStack, directory: Path, payload: Payload) -> None:
        node = (HOST, PORT)
        self.payload = payload
        self.quiet = QuietNode(QUIET, PORT, node, known=True)
        stack.callback(self.quiet.close)
        self.stranger = QuietNode(STRANGER, PORT, node, known=False)
        stack.callback(self.stranger.close)
        stack.enter_context(libtorrent_seeder(payload))
        self.torrentd = stack.enter_context(
            TorrentdProcess(HOST, directory / "torrentd", bootstrap=[f"{QUIET}:{PORT}"])
        )
        self.sink = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sink.bind((SINK, PORT))
        self._client = Client(str(self.torrentd.socket))
        stack.callback(self._client.close)

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.torrentd.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
        return int(line.split()[1]) / 1024

    def dropped(self) -> int:
        return self._client.call("dht").integer("datagrams_dropped")

    def faults(self) -> list[str]:
        """What the log has to complain of."""
        lines = [json.loads(line) for line in self.torrentd.log_path.read_text().splitlines()]
        return [line["event"] for line in lines if line["level"] in ("error", "critical")]

    def watch(self, host: str, kind: str, per_s: int, seconds: float) -> Seen:
        arguments = [host, str(PORT), kind, str(per_s), str(seconds)]
        downloads = Downloads(self.torrentd.socket, self.payload)
        generator = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.garbage", *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.5)
        self.quiet.begin()
        self.stranger.begin()
        lags, rss, cpu_before_s = list[float](), list[float](), process_cpu_s(self.torrentd.pid)
        began_at = time.monotonic()
        while generator.poll() is None:
            asked_at = time.monotonic()
            self._client.call("version")
            lags.append(time.monotonic() - asked_at)
            rss.append(self.rss_mib())
            time.sleep(0.05)
        cpu_s = process_cpu_s(self.torrentd.pid) - cpu_before_s
        elapsed_s = time.monotonic() - began_at
        quiet, stranger = self.quiet.share, self.stranger.share
        recovery_s = self._recovery_s()
        speed = downloads.stop()
        output, _ = generator.communicate()
        return Seen(
            sent_per_s=int(output) / seconds,
            mib_per_s=speed,
            quiet=quiet,
            stranger=stranger,
            lag_p99_s=sorted(lags)[int(len(lags) * 0.99)],
            rss_mib=max(rss),
            recovery_s=recovery_s,
            cpu_share=cpu_s / elapsed_s,
        )

    def _recovery_s(self) -> float:
        """Until the next answer to the quiet node."""
        began_at, answered = time.monotonic(), self.quiet.answered
        while self.quiet.answered == answered and time.monotonic() < began_at + 10:
            time.sleep(0.01)
        return time.monotonic() - began_at


def judge(name: str, seen: Seen, alone: Seen, beside: Seen, per_s: int) -> list[str]:
    """What of T32 does not hold."""
    failures = []
    if seen.mib_per_s < SPEED_MIN * min(alone.mib_per_s, beside.mib_per_s):
        failures.append(f"the download kept {seen.mib_per_s / beside.mib_per_s:.0%} of its speed")
    if seen.quiet < ANSWERED_MIN[per_s]:
        failures.append(f"the quiet node was answered {seen.quiet:.0%} of the time")
    if seen.lag_p99_s > LAG_P99_S_MAX:
        failures.append(f"one turn of the loop in a hundred took {seen.lag_p99_s * 1000:.0f} ms")
    if seen.rss_mib > max(alone.rss_mib, beside.rss_mib) + RSS_MIB_MAX:
        failures.append(f"memory grew to {seen.rss_mib:.0f} MiB")
    if seen.recovery_s > RECOVERY_S_MAX:
        failures.append(f"it took {seen.recovery_s:.1f} s to recover")
    return [f"{name}: {failure}" for failure in failures]


def line(name: str, seen: Seen, alone: Seen, beside: Seen) -> None:
    print(
        f"{name:16} {seen.sent_per_s:8,.0f}  {seen.mib_per_s:5.0f}"
        f"  {seen.mib_per_s / alone.mib_per_s:7.2f} {seen.mib_per_s / beside.mib_per_s:7.2f}"
        f"  {seen.quiet:5.0%}  {seen.stranger:8.0%}  {seen.lag_p99_s * 1000:7.0f}"
        f"  {seen.rss_mib:7.0f}  {seen.recovery_s:8.2f}  {seen.cpu_share:5.0%}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of one flood")
    parser.add_argument("--alone-seconds", type=float, help="of no flood, and of one elsewhere")
    parser.add_argument("--kinds", nargs="*", choices=garbage.KINDS, default=garbage.KINDS)
    parser.add_argument("--rates", nargs="*", type=int, choices=RATES, default=RATES)
    parser.add_argument("--size-mib", type=int, default=256, help="of the torrent")
    options = parser.parse_args()
    failures = []
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-flood-") as name,
        ExitStack() as stack,
    ):
        payload = single_file(Path(name) / "payload", options.size_mib * MIB, MIB)
        scene = Scene(stack, Path(name), payload)
        scene.watch(SINK, "random", 1, 5)  # everything is warm, the table has its node
        print("flood             sent/s  MiB/s  x alone x beside  quiet  stranger  lag p99"
              "  RSS MiB  recovery    CPU")  # fmt: skip
        alone_s = options.alone_seconds or options.seconds
        alone = scene.watch(SINK, "random", 1, alone_s)
        line("none", alone, alone, alone)
        beside = scene.watch(SINK, "queries", max(RATES), alone_s)
        line("at another", beside, alone, beside)
        for kind in options.kinds:
            for per_s in options.rates:
                title = f"{kind} {per_s // 1000}k"
                seen = scene.watch(HOST, kind, per_s, options.seconds)
                line(title, seen, alone, beside)
                failures += judge(title, seen, alone, beside, per_s)
        print(f"{scene.dropped():,} datagrams dropped and counted")
        failures += scene.faults()
    if failures:
        sys.exit("\n".join(["FAILED", *failures]))


if __name__ == "__main__":
    main()
