"""`make bench-idle`: a thousand small torrents that nobody asks for, torrentd beside libtorrent.

Each adds them all, seeds them for a while in a DHT of a thousand nodes, stops, starts again from
its state, and seeds again. Data and state lie on tmpfs. Memory and CPU are what the kernel counts
for the process; `list` is the time in which the daemon answers `status` of all torrents, or
libtorrent hands over their statuses; `seeding` begins with the process. Ten thousand:
ARGS='--torrents 10000'.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import village
from tests.bench.shelf import Shelf, stock
from tests.bench.transfer import process_cpu_s
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.client.places import knock
from torrentd.daemon.control_lines import Json, encode_request
from torrentd.daemon.ctl.client import Client

KIB, MIB = 2**10, 2**20
HOST, PEER_HOST = "127.215.1.1", "127.215.2.1"
NODE = f"{village.host(1)}:{village.PORT}"
POLL_S = 0.05
LISTS = 5


@dataclass(frozen=True)
class Figures:
    """One life of a process with all its torrents. None: not measured in this life."""

    seeding_s: float
    resident_mib: float
    anonymous_mib: float
    list_ms: float
    idle_cpu_percent: float
    datagrams_per_s: float | None
    stop_s: float


def memory_mib(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(field)


def idle_cpu_percent(pid: int, idle_s: float) -> float:
    before_s = process_cpu_s(pid)
    time.sleep(idle_s)
    return (process_cpu_s(pid) - before_s) / idle_s * 100


def measured(
    pid: int,
    idle_s: float,
    seeding_s: float,
    list_ms: Callable[[], float],
    datagrams: Callable[[], int] | None,
    stop: Callable[[], float],
) -> Figures:
    sent_before = datagrams() if datagrams else 0
    cpu = idle_cpu_percent(pid, idle_s)
    sent = datagrams() - sent_before if datagrams else None
    return Figures(
        seeding_s,
        memory_mib(pid, "VmRSS"),
        memory_mib(pid, "RssAnon"),
        statistics.median(list_ms() for _ in range(LISTS)),
        cpu,
        None if sent is None else sent / idle_s,
        stop(),
    )


class Torrentd:
    """Two lives of a daemon."""

    def __init__(self, directory: Path) -> None:
        self.process = TorrentdProcess(
            HOST, directory, bootstrap=[NODE], limits={"dht_upload_bytes_per_s_max": 1_000_000}
        )

    def first_life(self, shelf: Shelf, idle_s: float) -> Figures:
        with self.process as process:
            client = Client(str(process.socket))
            paths = shelf.torrent_files()
            began = time.monotonic()
            for path in paths:
                data = path.read_bytes()
                where: dict[str, Json] = {"dir": str(shelf.data), "metainfo_bytes": len(data)}
                client.call("add", where, payload=data)
            return self._live(client, began, len(paths), idle_s)

    def second_life(self, count: int, idle_s: float) -> Figures:
        began = time.monotonic()
        self.process.launch()
        while not self.process.socket.exists():
            time.sleep(POLL_S / 10)
        return self._live(Client(str(self.process.socket)), began, count, idle_s)

    def _live(self, client: Client, began: float, count: int, idle_s: float) -> Figures:
        while self._seeding(client) < count:
            time.sleep(POLL_S)
        return measured(
            self.process.pid,
            idle_s,
            time.monotonic() - began,
            lambda: self._list_ms(client),
            lambda: self._datagrams(client),
            lambda: self._stop(client),
        )

    def _seeding(self, client: Client) -> int:
        torrents = client.call("status").children("torrents")
        return sum(torrent.text("state") == "seeding" for torrent in torrents)

    def _datagrams(self, client: Client) -> int:
        return client.call("status", {"torrents": ["state:error"]}).child("daemon").child(
            "dht"
        ).integer("datagrams_sent")  # fmt: skip

    def _list_ms(self, client: Client) -> float:
        """As the daemon answers it: what a client makes of the line is not counted."""
        sock = knock(client.path)
        assert sock is not None
        sock.setblocking(True)
        began = time.monotonic()
        sock.sendall(encode_request("status", {}, 1))
        while not sock.recv(1 << 20).endswith(b"\n"):
            pass
        took_s = time.monotonic() - began
        sock.close()
        return took_s * 1000

    def _stop(self, client: Client) -> float:
        client.close()
        began = time.monotonic()
        self.process.stop()
        return time.monotonic() - began


class Libtorrent:
    """The same of a libtorrent session."""

    def __init__(self, directory: Path, shelf: Shelf) -> None:
        self._resume = directory / "resume"
        self._resume.mkdir(parents=True)
        self._shelf = shelf

    def life(self, idle_s: float) -> Figures:
        began = time.monotonic()
        with self._process() as process:
            self._ask(process, "")
            return measured(
                process.pid,
                idle_s,
                time.monotonic() - began,
                lambda: self._ask(process, "list")["list_ms"],
                None,
                lambda: self._ask(process, "stop")["stop_s"],
            )

    def _ask(self, process: "subprocess.Popen[str]", what: str) -> dict[str, float]:
        assert process.stdin is not None and process.stdout is not None
        if what:
            process.stdin.write(what + "\n")
            process.stdin.flush()
        answer: dict[str, float] = json.loads(process.stdout.readline())
        return answer

    @contextmanager
    def _process(self) -> Iterator["subprocess.Popen[str]"]:
        folders = [str(self._shelf.data), str(self._shelf.torrents), str(self._resume)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.libtorrent_shelf", PEER_HOST,
             village.host(1), str(village.PORT), *folders],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()


@contextmanager
def living_village() -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.village", f"{HOST}:6881", f"{PEER_HOST}:6881"],
        stdin=subprocess.PIPE,
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def report(count: int, results: dict[str, Figures]) -> None:
    print(f"\n{count} torrents")
    names = ("seeding s", "RSS MiB", "anon MiB", "list ms", "idle CPU %", "datagrams/s", "stop s")
    print(f"{'':24}" + "".join(f"{name:>12}" for name in names))
    for who, figures in results.items():
        values = [getattr(figures, name) for name in figures.__dataclass_fields__]
        cells = "".join(f"{'-':>12}" if v is None else f"{v:12.2f}" for v in values)
        print(f"{who:24}{cells}")
    ours, theirs = results["torrentd, restarted"], results["libtorrent, restarted"]
    print(
        f"restarted, x libtorrent: seeding {ours.seeding_s / theirs.seeding_s:.2f}, "
        f"RSS {ours.resident_mib / theirs.resident_mib:.2f}, "
        f"list {ours.list_ms / theirs.list_ms:.2f}, "
        f"CPU {ours.idle_cpu_percent / max(theirs.idle_cpu_percent, 0.01):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-idle", description=__doc__)
    parser.add_argument("--torrents", type=int, default=1000)
    parser.add_argument("--size-kib", type=int, default=20)
    parser.add_argument("--idle-s", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-bench-") as name:
        scratch = Path(name)
        shelf = stock(scratch, options.torrents, options.size_kib * KIB)
        results: dict[str, Figures] = {}
        with living_village():
            torrentd = Torrentd(scratch / "torrentd")
            results["torrentd, all added"] = torrentd.first_life(shelf, options.idle_s)
            results["torrentd, restarted"] = torrentd.second_life(options.torrents, options.idle_s)
            libtorrent = Libtorrent(scratch / "libtorrent", shelf)
            results["libtorrent, all added"] = libtorrent.life(options.idle_s)
            results["libtorrent, restarted"] = libtorrent.life(options.idle_s)
        report(options.torrents, results)


if __name__ == "__main__":
    main()
