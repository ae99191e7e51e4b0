"""A running session whose machine's network is what the test says: what is decided is done."""

import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    PORT,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import single_file
from torrentd.daemon import healing as healing_module
from torrentd.daemon import interfaces, outage
from torrentd.daemon.interfaces import MachineNetwork
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.address import Address

SMALL = single_file(random.Random(1).randbytes(200_000), 16384)
LO = frozenset({"127.0.0.1"})


class Machine:
    """Its network, and how long it slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.network = MachineNetwork(LO | {"192.0.2.5"}, ipv4="192.0.2.5")
        self.slept_s = 0.0
        monkeypatch.setattr(interfaces, "read_network", lambda: self.network)
        monkeypatch.setattr(healing_module, "asleep_s", lambda: self.slept_s)
        monkeypatch.setattr(outage, "AGAIN_S", 0.0)

    def changes(self, session: Session, network: MachineNetwork) -> None:
        self.network = network
        session._healing._on_change()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def sockets(session: Session) -> list[object]:
    return [endpoint._socket for endpoint in session._doors.endpoints]


def renewed(session: Session, before: list[object]) -> Callable[[], bool]:
    return lambda: all(
        now not in (None, old) for now, old in zip(sockets(session), before, strict=True)
    )


class TestReturn:
    def test_another_network_means_other_sockets_and_a_search_for_peers(
        self, tmp_path: Path, machine: Machine
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host(), bootstrap=("127.0.0.1:9",))
            async with running(config) as session:
                await session.add(AddRequest(magnet="ab" * 20))
                before = sockets(session)
                session._discovery.cancel_search(next(iter(session._torrents)))
                assert session._discovery.status().searches_running == 0
                machine.changes(session, MachineNetwork(LO | {"10.8.0.2"}, ipv4="10.8.0.2"))
                await until(renewed(session, before))
                await until(lambda: session._discovery.status().searches_running == 1)

        run(scenario())

    def test_after_a_sleep_it_is_the_same(self, tmp_path: Path, machine: Machine) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host(), bootstrap=("127.0.0.1:9",))
            async with running(config) as session:
                before = sockets(session)
                machine.slept_s = 3600.0
                session._healing._wake.set()
                await until(renewed(session, before))

        run(scenario())

    def test_without_a_dht_torrents_still_hear_of_it(
        self, tmp_path: Path, machine: Machine
    ) -> None:
        """A peer that failed while there was no network is dialled at once."""

        async def scenario() -> None:
            peer = Address(new_host(), PORT)
            async with running(make_config(tmp_path, new_host())) as session:
                machine.changes(session, MachineNetwork(LO))
                await until(lambda: session._healing._outage.lost_at is not None)
                await session.add(AddRequest(magnet="ab" * 20, peers=[str(peer)]))
                (torrent,) = session._torrents.values()
                candidates = torrent.swarm._company.candidates
                await until(lambda: bool(candidates._failed))
                with socket.create_server(peer):
                    machine.changes(session, MachineNetwork(LO | {"192.0.2.9"}, "192.0.2.9"))
                    await until(lambda: len(torrent.traffic.links) == 1)

        run(scenario())


class TestLinks:
    def test_connections_on_an_address_that_is_gone_are_cut_and_made_again(
        self, tmp_path: Path, machine: Machine
    ) -> None:
        async def scenario() -> None:
            hosts = new_host(), new_host()
            machine.network = MachineNetwork(LO | set(hosts), ipv4="192.0.2.5")
            leecher_config = make_config(tmp_path / "b", hosts[1])
            async with running(make_config(tmp_path / "a", hosts[0])) as seeder:
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                async with running(leecher_config) as leecher:
                    await leecher.add(
                        AddRequest(magnet=infohash.hex(), peers=[f"{hosts[0]}:{PORT}"])
                    )
                    traffic = leecher._torrents[infohash].traffic
                    await until(lambda: bool(traffic.links))
                    (first,) = traffic.links
                    gone = MachineNetwork(LO | {hosts[0]})
                    machine.changes(leecher, gone)
                    await until(lambda: first not in traffic.links)
                    assert leecher.status().listen_addresses == []
                    machine.changes(leecher, MachineNetwork(LO | set(hosts), ipv4="192.0.2.5"))
                    await until(lambda: leecher.status().listen_addresses == [f"{hosts[1]}:{PORT}"])
                    assert await leecher.wait(infohash, "done", 20)

        run(scenario())


class TestWarnings:
    def test_a_machine_without_a_network_says_so(self, tmp_path: Path, machine: Machine) -> None:
        async def scenario() -> None:
            machine.network = MachineNetwork(LO)
            config = make_config(tmp_path, "0.0.0.0", port=16881, allow_local=False)
            async with running(config) as session:
                assert session.status().warnings == ["this machine has no network at the moment"]
                machine.changes(session, MachineNetwork(LO | {"192.0.2.9"}, "192.0.2.9"))
                await until(lambda: session.status().warnings == [])

        run(scenario())


def test_the_clock_of_sleep_stands_still_while_the_machine_is_awake() -> None:
    before = healing_module.asleep_s()
    assert abs(healing_module.asleep_s() - before) < outage.SLEPT_S_MIN / 2
