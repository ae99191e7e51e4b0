"""`make bench-dht`: queries answered a second, torrentd and libtorrent side by side in one run.

Both have joined the same village of 1,000 nodes and have a full table; the limits of both are
lifted by configuration. The machine is shared and drifts, so rounds alternate and only ratios of
medians count. A do-nothing responder shows what the load itself could take.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import village
from tests.bench.query_load import METHODS, QueryLoad
from tests.bench.transfer import process_cpu_s
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.dht.krpc import Response, decode_message

TORRENTD, LIBTORRENT, IDLE = "127.9.1.1", "127.9.1.2", "127.9.1.3"
PORT = 6881
LIFTED = {
    "dht_upload_bytes_per_s_max": 1_000_000_000,
    "dht_datagrams_per_source_per_s_max": 5000,
}
NODES_WANTED = 60  # of 1,000 random ids a table of buckets of 8 keeps about so many
FILL_S_MAX = 90.0
MUST = 0.5  # x libtorrent's get_peers


@dataclass(frozen=True)
class Served:
    name: str
    host: str
    pid: int


@dataclass(frozen=True)
class Round:
    per_s: float
    cpu_s_per_100k: float
    lost: int


@contextmanager
def process(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Ends when its standard input is closed."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        yield child
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def says(child: subprocess.Popen[str], line: str | None = None) -> str:
    assert child.stdin is not None and child.stdout is not None
    if line is not None:
        child.stdin.write(line + "\n")
        child.stdin.flush()
    return child.stdout.readline().strip()


def wait_until_full(name: str, nodes: Callable[[], int]) -> None:
    """Enough nodes, and no more of them for five seconds."""
    deadline, count, since = time.monotonic() + FILL_S_MAX, 0, time.monotonic()
    while count < NODES_WANTED or time.monotonic() < since + 5:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
        if (now := nodes()) > count:
            count, since = now, time.monotonic()
    print(f"{name} has {count} nodes in its table")


def torrentd_nodes(torrentd: TorrentdProcess) -> int:
    status = json.loads(torrentd.command("--json", "dht"))
    count = status["nodes_good"]
    assert isinstance(count, int)
    return count


def start(stack: ExitStack, directory: Path) -> list[Served]:
    """Everything that is measured, its table full."""
    bootstrap = village.host(0), str(village.PORT)
    says(
        stack.enter_context(
            process("tests.bench.village", *[f"{host}:{PORT}" for host in (LIBTORRENT, TORRENTD)])
        )
    )
    libtorrent = stack.enter_context(process("tests.bench.libtorrent_node", LIBTORRENT, *bootstrap))
    idle = stack.enter_context(process("tests.bench.idle_responder", IDLE, str(PORT)))
    torrentd = stack.enter_context(
        TorrentdProcess(TORRENTD, directory, bootstrap=[":".join(bootstrap)], limits=LIFTED)
    )
    wait_until_full("torrentd", lambda: torrentd_nodes(torrentd))
    wait_until_full("libtorrent", lambda: int(says(libtorrent, "")))
    return [
        Served("libtorrent", LIBTORRENT, libtorrent.pid),
        Served("torrentd", TORRENTD, torrentd.pid),
        Served("do-nothing", IDLE, idle.pid),
    ]


def measure(served: Served, method: bytes, seconds: float) -> Round:
    load = QueryLoad((served.host, PORT), method)
    cpu_before_s = process_cpu_s(served.pid)
    answered = load.run(seconds)
    cpu_s = process_cpu_s(served.pid) - cpu_before_s
    load.close()
    if served.name != "do-nothing":
        check(served.name, method, answered.sample)
    return Round(answered.per_s, cpu_s / (answered.per_s * seconds) * 100_000, answered.lost)


def check(name: str, method: bytes, sample: bytes) -> None:
    """An answer that leaves out what makes it dear would be no answer."""
    message = decode_message(sample)
    assert isinstance(message, Response), name
    if method != b"ping":
        assert len(message.nodes) == 8, f"{name} tells {len(message.nodes)} nodes"
    if method == b"get_peers":
        assert message.token, f"{name} gives no token"


def report(rounds: dict[tuple[str, bytes], list[Round]]) -> float:
    """Prints the table; the ratio for get_peers."""
    ratio = 0.0
    print("\nmethod     who          answered/s  x libtorrent  CPU s per 100k  lost")
    for method in METHODS:
        base = statistics.median(r.per_s for r in rounds["libtorrent", method])
        for (name, asked), done in rounds.items():
            if asked != method:
                continue
            per_s = statistics.median(r.per_s for r in done)
            cpu_s = statistics.median(r.cpu_s_per_100k for r in done)
            print(
                f"{method.decode():10} {name:11} {per_s:11,.0f}  {per_s / base:12.2f}"
                f"  {cpu_s:14.2f}  {sum(r.lost for r in done):4}"
            )
            if name == "torrentd":
                ratio = per_s / base
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-dht", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torrentd-bench-") as name, ExitStack() as stack:
        measured = start(stack, Path(name))
        rounds: dict[tuple[str, bytes], list[Round]] = {}
        for _ in range(options.rounds):
            for method in METHODS:
                for served in measured:
                    rounds.setdefault((served.name, method), []).append(
                        measure(served, method, options.seconds)
                    )
        ratio = report(rounds)
    if ratio < MUST:
        sys.exit(f"FAILED: get_peers is answered {ratio:.2f} x as often as by libtorrent")


if __name__ == "__main__":
    main()
