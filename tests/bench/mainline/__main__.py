"""`make bench-magnet`: from add to metadata, on a simulated mainline network, beside libtorrent.

A network namespace of its own (only loopback, and a route that makes every address of a prefix
local), one process that answers for all nodes, one libtorrent that seeds every infohash, and the
clients, one after the other for each infohash. Cold: a new process, no saved node, the magnet is
added at once. Warm: a process that has run for a minute. Times count from the add, or from the
client's first datagram where that came earlier. TCP is without a delay of the kernel's; a proxy
before the seeder makes up for it.

What is not simulated: congestion, NATs, swarms of more than one peer, uTP.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench.mainline import seeder
from tests.bench.mainline.clients import CLIENTS, MagnetClient
from tests.bench.mainline.population import PREFIX, address_of, is_usual, mix
from tests.bench.mainline.results import Magnet, Series, report

NAMESPACE: Final = "TORRENTD_BENCH_NAMESPACE"
HOSTS: Final = {
    "libtorrent": "151.77.1.1",
    "torrentd": "151.78.2.2",
    "transmission": "151.79.3.3",
}
SETTLE_S: Final = 4.0  # after the metadata, until the queries are counted
WARM_UP_S: Final = 60.0


class Network:
    """The process that plays it."""

    def __init__(self, nodes: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.mainline.network", str(nodes), str(seeder.PORT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.bootstrap: list[str] = json.loads(self._said())

    def command(self, *words: str) -> dict[str, object]:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._said())
        return answer if isinstance(answer, dict) else {}

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _said(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the simulated network ended"
        return line


@contextmanager
def seeded(directory: Path, count: int) -> Iterator[list[str]]:
    """The infohashes of as many torrents, while they are seeded."""
    directory.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.mainline.seeder", str(directory), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        infohashes: list[str] = json.loads(process.stdout.readline())
        yield infohashes
    finally:
        process.kill()
        process.communicate()


def peer_of(infohash: str) -> str:
    """An address for the seeder, another one, and another round trip, for each infohash."""
    host = 0x90000000 | mix(int(infohash[:12], 16)) & 0x03FFFFFF
    while not is_usual(host):
        host += 1
    return address_of(host).host


def measure(client: MagnetClient, network: Network, infohash: str, peer: str) -> Magnet:
    added = client.add(infohash)
    time.sleep(SETTLE_S)
    counts = network.command("counts", client.host)
    queries, values_at, dialed_at = counts["get_peers"], counts["values_at"], counts["dialed_at"]
    first_at = counts["first_at"]
    assert isinstance(queries, dict) and isinstance(values_at, dict)
    assert isinstance(dialed_at, dict) and isinstance(first_at, float)
    began_at = min(added.added_at, first_at)

    def since(at: float | None) -> float | None:
        return None if at is None else at - began_at

    return Magnet(
        since(values_at.get(infohash)),
        since(dialed_at.get(peer)),
        since(added.metadata_at),
        len(queries.get(infohash, [])),
    )


class Bench:
    def __init__(self, network: Network, infohashes: list[str], scratch: Path) -> None:
        self._network = network
        self._scratch = scratch
        self._peers = {infohash: peer_of(infohash) for infohash in infohashes}
        for infohash, peer in self._peers.items():
            network.command("announce", infohash, peer)

    def cold(self, names: list[str], count: int) -> list[Series]:
        """Turn by turn, so that a bad moment of the machine is bad for all."""
        series = [Series(name, "cold", []) for name in names]
        for index, (infohash, peer) in enumerate(list(self._peers.items())[:count]):
            for each in series:
                client = self._start(each.client, f"{each.client}-cold-{index}")
                each.magnets.append(measure(client, self._network, infohash, peer))
                client.close()
                told(each)
        return series

    def warm(self, name: str, count: int) -> Series:
        client = self._start(name, f"{name}-warm")
        time.sleep(WARM_UP_S)
        datagrams = self._network.command("counts", client.host)["datagrams"]
        assert isinstance(datagrams, int)
        series = Series(name, "warm", [], datagrams)
        for infohash, peer in list(self._peers.items())[:count]:
            self._network.command("counts", client.host)
            series.magnets.append(measure(client, self._network, infohash, peer))
            client.remove(infohash)
            told(series)
        client.close()
        return series

    def _start(self, name: str, folder: str) -> MagnetClient:
        self._network.command("counts", HOSTS[name])
        return CLIENTS[name](HOSTS[name], self._scratch / folder, self._network.bootstrap)


def told(series: Series) -> None:
    print(f"{series.client} {series.state}: {series.magnets[-1]}", file=sys.stderr, flush=True)


def in_namespace() -> None:
    """Start again in a network namespace of our own."""
    script = f'ip link set lo up && ip route add local {PREFIX} dev lo && exec "$@"'
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    command = [*unshare, "sh", "-c", script, "sh", sys.executable, "-m", "tests.bench.mainline"]
    os.environ[NAMESPACE] = "1"
    os.execvp(command[0], [*command, *sys.argv[1:]])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-magnet", description="add → metadata")
    parser.add_argument("--magnets", type=int, default=20, help="cold, and as many warm")
    parser.add_argument("--nodes", type=int, default=1 << 20)
    parser.add_argument("--states", default="cold,warm")
    parser.add_argument("--clients", default="libtorrent,torrentd")
    parser.add_argument(
        "--transmission",
        type=int,
        default=1,
        help="magnets for transmission-daemon, each of which takes it a minute or two",
    )
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if NAMESPACE not in os.environ:
        in_namespace()
    names, states = options.clients.split(","), options.states.split(",")
    scratch = Path(tempfile.mkdtemp(prefix="bench-magnet-"))
    network = Network(options.nodes)
    try:
        with seeded(scratch / "seeder", options.magnets) as infohashes:
            bench = Bench(network, infohashes, scratch)
            series = bench.cold(names, options.magnets) if "cold" in states else []
            if "warm" in states:
                series += [bench.warm(name, options.magnets) for name in names]
            if shutil.which("transmission-daemon") and options.transmission:
                series += bench.cold(["transmission"], options.transmission)
    finally:
        network.close()
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"\n{options.nodes} nodes; median and p90 seconds from the add; get_peers for the magnet")
    print(report(series))


if __name__ == "__main__":
    main()
