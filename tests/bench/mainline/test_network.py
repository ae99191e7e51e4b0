"""What `make bench-magnet` measures on is as bad as it says: late, lossy, two of five dead (BEP 5).

The same network, of fewer nodes and in 127.0.0.0/8, where it needs neither root nor a route.
"""

import asyncio
import random
import socket
import statistics
import time
from collections import Counter

import pytest

from tests.bench.mainline import population as population_module
from tests.bench.mainline.network import PEER_PORT, Nodes, Proxy, command
from tests.bench.mainline.population import (
    DEAD_SHARE,
    MISFIT_SHARE,
    RTT_MEDIAN_S,
    K,
    Population,
    address_of,
    compact,
    is_alive,
    key_of,
    round_trip_s,
)
from tests.bench.mainline.weather import LATE_SHARE, LOSS, SPREAD, Weather
from tests.daemon.session_room import run
from torrentd.dht.krpc import Response, decode_message, encode_query
from torrentd.dht.node_id import id_fits_host
from torrentd.wire.formats.bencode import Bencoded

COUNT = 3000
CLIENT = "127.0.0.77"
QUICK_S = 0.2
INFOHASH = b"\x5a" * 20
CLOCK_S = 0.002  # what two clocks, and a loop of whole milliseconds, may differ by


@pytest.fixture
def population(monkeypatch: pytest.MonkeyPatch) -> Population:
    monkeypatch.setattr(population_module, "_BASE", 0x7F000000)
    monkeypatch.setattr(population_module, "_ADDRESS_MASK", (1 << 24) - 1)
    return Population(COUNT)


def hosts(population: Population) -> list[int]:
    return list(population._hosts)


class Client:
    """A node of the network's clients, in the same loop."""

    def __init__(self) -> None:
        self.heard: dict[int, tuple[float, Response]] = {}  # by the host that answered
        self.sent_at: dict[int, float] = {}
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._sock.bind((CLIENT, 0))
        self._sock.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock, self._read)

    def ask(self, host: int, method: bytes, **arguments: Bencoded) -> None:
        values = {b"id": b"c" * 20, **{key.encode(): value for key, value in arguments.items()}}
        data = encode_query(host.to_bytes(4), method, values, read_only=False)
        self.sent_at[host] = time.monotonic()
        self._sock.sendto(data, address_of(host))

    def _read(self) -> None:
        data, source = self._sock.recvfrom(2048)
        message = decode_message(data)
        assert isinstance(message, Response)
        host = int.from_bytes(message.transaction_id)
        assert source == address_of(host)  # it leaves from where the question came to
        self.heard[host] = time.monotonic(), message

    async def silence(self) -> None:
        """Until nothing more can come."""
        heard = -1
        while heard != len(self.heard):
            heard = len(self.heard)
            await asyncio.sleep(2 * QUICK_S)

    def close(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()


class TestPopulation:
    def test_two_of_five_are_dead_and_so_are_two_of_five_that_are_named(
        self, population: Population
    ) -> None:
        everybody, rng = hosts(population), random.Random(1)
        assert len(set(everybody)) == COUNT and all(map(population.is_node, everybody))
        named: list[int] = []
        for host in rng.sample(everybody, 200):
            known = population.known_to(host, rng.randbytes(20))
            assert len(known) == K == len(set(known)) and host not in known
            named += known
        for seen in (everybody, named):
            assert abs(statistics.mean(map(is_alive, seen)) - (1 - DEAD_SHARE)) < 0.04

    def test_round_trips_have_the_median_and_the_tail_that_they_should(
        self, population: Population
    ) -> None:
        trips = sorted(map(round_trip_s, hosts(population)))
        assert abs(trips[COUNT // 2] / RTT_MEDIAN_S - 1) < 0.1
        assert trips[COUNT // 10] < 0.045 and trips[-COUNT // 10] > 0.33

    def test_seven_of_eight_ids_follow_bep_42(self) -> None:
        fitting = [
            id_fits_host(compact(host)[:20], address_of(host).host)
            for host in range(0x80000000, 0xA0000000, 0x12345)
        ]
        assert abs(statistics.mean(fitting) - (1 - MISFIT_SHARE)) < 0.03

    def test_each_answer_is_nearer_and_the_last_one_names_the_closest(
        self, population: Population
    ) -> None:
        """BEP 5: from a bootstrap to the closest of all, in some hops, by what each one knows."""
        for number in range(20):
            target = random.Random(number).randbytes(20)
            wanted = int.from_bytes(target[:8])
            at = hosts(population)[number]
            for _ in range(10):
                nearest = min(
                    [at, *population.known_to(at, target)], key=lambda host: key_of(host) ^ wanted
                )
                if nearest == at:
                    break
                at = nearest
            assert at == min(hosts(population), key=lambda host: key_of(host) ^ wanted)


class TestWeather:
    def test_one_exchange_in_twenty_is_lost_and_the_others_take_their_time(self) -> None:
        weather, host = Weather(random.Random(2)), 0x80000001
        drawn = [weather.delay_s(host) for _ in range(20_000)]
        delays = [delay_s / round_trip_s(host) for delay_s in drawn if delay_s is not None]
        assert abs(1 - len(delays) / len(drawn) - LOSS) < 0.01
        assert min(delays) >= SPREAD[0]
        late = sum(delay > SPREAD[1] for delay in delays) / len(delays)
        assert LATE_SHARE / 2 < late <= LATE_SHARE * 1.3


class TestLive:
    def test_the_living_answer_no_sooner_than_they_should_and_nobody_else_does(
        self, population: Population
    ) -> None:
        quick = [host for host in hosts(population) if round_trip_s(host) < QUICK_S]
        living = [host for host in quick if is_alive(host)][:300]
        dead = [host for host in quick if not is_alive(host)][:100]
        strangers = [host + 1 for host in quick if not population.is_node(host + 1)][:100]

        async def scenario() -> None:
            nodes, client = Nodes(population), Client()
            for host in (*living, *dead, *strangers):
                client.ask(host, b"ping")
            await client.silence()
            assert client.heard.keys() <= set(living)
            assert 0.9 < len(client.heard) / len(living) < 0.99  # LOSS
            for host, (at, answer) in client.heard.items():
                took_s = at - client.sent_at[host]
                assert took_s > SPREAD[0] * round_trip_s(host) - CLOCK_S
                assert answer.node_id == compact(host)[:20]
                assert answer.external is not None and answer.external.host == CLIENT
            assert nodes.counts[CLIENT].datagrams == 500
            client.close()
            nodes.close()

        run(scenario())

    def test_the_closest_living_nodes_have_the_values_and_the_others_name_nodes(
        self, population: Population
    ) -> None:
        async def scenario() -> None:
            nodes, client = Nodes(population), Client()
            peer = address_of(hosts(population)[0])
            command(nodes, ["announce", INFOHASH.hex(), peer.host])
            holders = population.closest(INFOHASH, 8)
            others = [host for host in hosts(population) if is_alive(host)][:40]
            for host in (*holders, *others):
                client.ask(host, b"get_peers", info_hash=INFOHASH)
            await client.silence()
            told = Counter(bool(answer.peers) for _, answer in client.heard.values())
            assert told[True] > 4 and told[False] > 20
            for host, (_, answer) in client.heard.items():
                assert [found.host for found in answer.peers] == [peer.host] * (host in holders)
                assert all(found.port == PEER_PORT for found in answer.peers)
                assert answer.token and answer.nodes
                assert [found for _, found in answer.nodes] == [
                    address_of(known) for known in population.known_to(host, INFOHASH)
                ]
            counted = command(nodes, ["counts", CLIENT])
            assert isinstance(counted, dict)
            assert len(counted["get_peers"][INFOHASH.hex()]) == 48
            assert INFOHASH.hex() in counted["values_at"]
            assert CLIENT not in nodes.counts
            client.close()
            nodes.close()

        run(scenario())

    def test_a_peer_answers_two_round_trips_after_it_was_dialed(
        self, population: Population
    ) -> None:
        """One that the kernel spared the connect, one for question and answer."""
        host = next(host for host in hosts(population) if 0.04 < round_trip_s(host) < 0.08)

        async def seeder(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"answer to " + await reader.read(100))
            writer.close()

        async def scenario() -> None:
            nodes = Nodes(population)
            far = await asyncio.start_server(seeder, "127.0.0.1", 0)
            proxy = Proxy(nodes, far.sockets[0].getsockname()[1])
            server = await asyncio.start_server(proxy.serve, "0.0.0.0", PEER_PORT)
            dialed_at = time.monotonic()
            reader, writer = await asyncio.open_connection(address_of(host).host, PEER_PORT)
            writer.write(b"question")
            assert await reader.read() == b"answer to question"
            assert time.monotonic() - dialed_at > 2 * round_trip_s(host) - CLOCK_S
            assert list(nodes.dialed_at) == [address_of(host).host]
            writer.close()
            server.close()
            far.close()
            nodes.close()

        run(scenario())
