"""`make bench-check`: how fast existing data is checked, and whether the daemon answers meanwhile.

Beside it: the same file read and hashed by one `hashlib` thread for each core, and by libtorrent.
Payload on tmpfs; rounds one after the other, medians.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import libtorrent as lt

from tests.bench.transfer import MIB, SEEDER
from tests.interop.libtorrent_client import LibtorrentClient
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client

POLL_S = 0.005
STATUS_S = 0.05


def hash_pieces(path: Path, first: int, step: int) -> None:
    """Every `step`th MiB, from the `first` on."""
    buffer = memoryview(bytearray(MIB))
    descriptor = os.open(path, os.O_RDONLY)
    at = first * MIB
    while count := os.preadv(descriptor, [buffer], at):
        hashlib.sha1(buffer[:count], usedforsecurity=False).digest()
        at += step * MIB
    os.close(descriptor)


def hashlib_s(payload: Payload) -> float:
    cores = os.cpu_count() or 1
    began = time.monotonic()
    threads = [
        threading.Thread(target=hash_pieces, args=(payload.root, first, cores))
        for first in range(cores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def libtorrent_s(payload: Payload) -> float:
    with LibtorrentClient("127.210.3.1") as client:
        began = time.monotonic()
        handle = client.download(payload.torrent_path, payload.parent)
        while handle.status().state != lt.torrent_status.states.seeding:
            time.sleep(POLL_S)
        return time.monotonic() - began


def torrentd_s(socket: str, payload: Payload) -> tuple[float, list[float]]:
    """Also the milliseconds of each `status` meanwhile, by a client that asks seldom enough not to
    take the cores away."""
    which: list[Json] = [payload.infohash]
    answers: list[float] = []
    done = threading.Event()

    def ask() -> None:
        with closing(Client(socket)) as other:
            while not done.wait(STATUS_S):
                asked = time.monotonic()
                other.call("status", {"torrents": which})
                answers.append((time.monotonic() - asked) * 1000)

    asking = threading.Thread(target=ask)
    asking.start()
    until: dict[str, Json] = {"torrents": which, "until": "seeding", "timeout_s": 120}
    with closing(Client(socket)) as client:
        began = time.monotonic()
        client.call("verify", {"torrents": which})
        reached = client.call("wait", until, answer_s=130)
        took_s = time.monotonic() - began
    done.set()
    asking.join()
    assert reached.flag("reached")
    return took_s, answers


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-check", description=__doc__)
    parser.add_argument("--size-mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-bench-") as name:
        payload = single_file(Path(name) / "payload", options.size_mib * MIB, MIB)
        times: dict[str, list[float]] = {"hashlib": [], "libtorrent": [], "torrentd": []}
        answers: list[float] = []
        with TorrentdProcess(SEEDER, Path(name) / "torrentd") as torrentd:
            torrentd.command("add", str(payload.torrent_path), "--dir", str(payload.parent))
            torrentd.command("wait", payload.infohash, "--timeout", "120", timeout_s=130)
            for _ in range(options.rounds):
                times["hashlib"].append(hashlib_s(payload))
                times["libtorrent"].append(libtorrent_s(payload))
                took_s, milliseconds = torrentd_s(str(torrentd.socket), payload)
                times["torrentd"].append(took_s)
                answers += milliseconds
    base_s = statistics.median(times["hashlib"])
    for who, seconds in times.items():
        took_s = statistics.median(seconds)
        print(f"{who:11} {options.size_mib / took_s:6.0f} MiB/s  {base_s / took_s:5.2f} x hashlib")
    print(f"status meanwhile: median {statistics.median(answers):.1f} ms, most {max(answers):.1f}")


if __name__ == "__main__":
    main()
