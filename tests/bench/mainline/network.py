"""The simulated network live: every address of a prefix answers, with its own delay.

    python -m tests.bench.mainline.network NODES SEEDER_PORT

One UDP socket takes what is sent to any node, and answers from that node's address (IP_PKTINFO). In
front of the seeder stands a proxy that takes TCP at any address of the prefix and makes each byte
as late as if a round trip of that address's lay between: the connect itself, which the kernel does
at once, is made up for by the first bytes.

Commands come as lines on standard input, answers leave as JSON lines:

    announce INFOHASH HOST   a peer at HOST (the seeder, behind the proxy) is in the values
    counts HOST              what was heard from that client since the last such command
"""

import asyncio
import json
import random
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Final

from tests.bench.mainline.krpc_answers import Answers
from tests.bench.mainline.population import (
    NODE_PORT,
    Population,
    is_alive,
    round_trip_s,
)
from tests.bench.mainline.weather import Weather
from torrentd.wire.formats.address import Address

PEER_PORT: Final = 26882
IP_PKTINFO: Final = 8  # linux/in.h
PROXIED_BYTES_MAX: Final = 64 * 1024  # enough for metadata; the torrent itself is not measured
SILENCE_S: Final = 60.0
_PKTINFO: Final = struct.Struct("=I4s4s")
_SPACE: Final = socket.CMSG_SPACE(_PKTINFO.size)


@dataclass
class Counts:
    """Of one client. Times are CLOCK_MONOTONIC, which all processes share."""

    datagrams: int = 0
    first_at: float | None = None
    get_peers: dict[str, list[float]] = field(default_factory=dict)
    values_at: dict[str, float] = field(default_factory=dict)  # when the first ones arrived


def number_of(host: str) -> int:
    return int.from_bytes(socket.inet_aton(host))


class Nodes:
    """All of the nodes, behind one socket."""

    def __init__(self, population: Population) -> None:
        self.answers = Answers(population)
        self.counts: dict[str, Counts] = {}
        self.dialed_at: dict[str, float] = {}  # by the peer's host; the clients take turns
        self._population = population
        self._weather = Weather(random.Random(1))
        self._loop = asyncio.get_running_loop()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        # A network that ended a moment ago may hold the port for a turn of the loop.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind(("0.0.0.0", NODE_PORT))
        self._sock.setblocking(False)
        self._loop.add_reader(self._sock, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def counts_of(self, host: str) -> Counts:
        return self.counts.setdefault(host, Counts())

    def _read(self) -> None:
        while True:
            try:
                data, ancillary, _, source = self._sock.recvmsg(4096, _SPACE)
            except BlockingIOError:
                return
            to = _PKTINFO.unpack(ancillary[0][2][: _PKTINFO.size])[2]
            self._receive(data, Address(*source), int.from_bytes(to))

    def _receive(self, data: bytes, source: Address, host: int) -> None:
        now = time.monotonic()
        asked = self.answers.ask(data, source, host)
        if asked is None:
            return
        counts = self.counts_of(source.host)
        counts.datagrams += 1
        counts.first_at = counts.first_at or now
        infohash = asked.infohash.hex()
        if asked.method == b"get_peers":
            counts.get_peers.setdefault(infohash, []).append(now)
        delay_s = self._weather.delay_s(host)
        if delay_s is None or not is_alive(host) or not self._population.is_node(host):
            return
        told = infohash if asked.has_values else None
        self._loop.call_later(delay_s, self._answer, asked.answer, source, host, told)

    def _answer(self, data: bytes, to: Address, host: int, told: str | None) -> None:
        if told is not None:
            self.counts_of(to.host).values_at.setdefault(told, time.monotonic())
        info = _PKTINFO.pack(0, host.to_bytes(4), bytes(4))
        try:
            self._sock.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, to)
        except OSError:
            pass  # the client is gone, or its buffer is full: lost, as on any network


class Proxy:
    """The way to the seeder."""

    def __init__(self, nodes: Nodes, seeder_port: int) -> None:
        self._nodes = nodes
        self._seeder_port = seeder_port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        connected_at = time.monotonic()
        self._nodes.dialed_at.setdefault(host, connected_at)
        trip_s = round_trip_s(number_of(host))
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._seeder_port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(late(reader, far_writer, trip_s / 2, connected_at + trip_s))
                group.create_task(late(far_reader, writer, trip_s / 2, connected_at))
        finally:
            far_writer.close()
            writer.close()


async def late(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float, not_before: float
) -> None:
    """Each byte `delay_s` after it came, the first ones no earlier than after `not_before`."""
    loop = asyncio.get_running_loop()
    passed_bytes = 0
    try:
        while passed_bytes < PROXIED_BYTES_MAX:
            data = await reader.read(16 * 1024)
            if not data:
                break
            passed_bytes += len(data)
            wait_s = max(time.monotonic(), not_before) + delay_s - time.monotonic()
            loop.call_later(wait_s, write_if_open, writer, data)
        else:
            await asyncio.sleep(SILENCE_S)  # the rest of the torrent is nobody's business
    except ConnectionError:
        pass
    await asyncio.sleep(delay_s)
    writer.close()


def write_if_open(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


def command(nodes: Nodes, words: list[str]) -> object:
    match words:
        case ["announce", infohash, host]:
            nodes.answers.announce(bytes.fromhex(infohash), Address(host, PEER_PORT))
            return "announced"
        case ["counts", host]:
            dialed_at, nodes.dialed_at = nodes.dialed_at, {}
            return {**vars(nodes.counts.pop(host, Counts())), "dialed_at": dialed_at}
        case _:
            raise ValueError(f"no such command: {words}")


async def run(population: Population, seeder_port: int) -> None:
    nodes = Nodes(population)
    proxy = Proxy(nodes, seeder_port)
    server = await asyncio.start_server(proxy.serve, "0.0.0.0", PEER_PORT)
    commands = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(commands)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    print(json.dumps([str(node) for node in population.bootstraps]), flush=True)
    while line := await commands.readline():
        print(json.dumps(command(nodes, line.decode().split())), flush=True)
    server.close()


def main() -> None:
    count, seeder_port = map(int, sys.argv[1:])
    asyncio.run(run(Population(count), seeder_port))


if __name__ == "__main__":
    main()
