"""From which socket a datagram leaves: that of the question, else an open one of its family."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.daemon.session_room import new_host, run, supervised, until
from torrentd.daemon.endpoints import Endpoints
from torrentd.daemon.udp import UdpEndpoint
from torrentd.wire.formats.address import Address, AddressPolicy

QUERY = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"


class Room:
    """Two endpoints of ours and one of another's, who notes where datagrams came from."""

    def __init__(self) -> None:
        self.sources: list[Address] = []
        self.ours: list[UdpEndpoint] = []
        self.other: UdpEndpoint
        self.endpoints = Endpoints()


@asynccontextmanager
async def room() -> AsyncIterator[Room]:
    async with supervised() as tasks:
        there, policy = Room(), AddressPolicy(allow_local=True)

        def heard(endpoint: UdpEndpoint, batch: list[tuple[bytes, Address]]) -> None:
            there.sources.extend(source for _, source in batch)

        made = [UdpEndpoint(Address(new_host(), 0), policy, heard, tasks) for _ in range(3)]
        for endpoint in made:
            endpoint.open()
        there.ours, there.other = made[:2], made[2]
        there.endpoints = Endpoints(there.ours)
        try:
            yield there
        finally:
            for endpoint in made:
                endpoint.close()


def test_an_answer_leaves_from_where_the_question_came_to() -> None:
    async def scenario() -> None:
        async with room() as there:
            first, second = there.ours
            there.endpoints.send(QUERY, there.other.bound, second)
            there.endpoints.send(QUERY, there.other.bound, None)
            await until(lambda: len(there.sources) == 2)
            assert there.sources == [second.bound, first.bound]

    run(scenario())


def test_what_is_closed_is_passed_over() -> None:
    async def scenario() -> None:
        async with room() as there:
            first, second = there.ours
            first.shut()
            await until(lambda: not first.is_open)
            there.endpoints.send(QUERY, there.other.bound, None)
            await until(lambda: bool(there.sources))
            assert there.sources == [second.bound]

    run(scenario())


def test_of_a_family_that_we_do_not_have_nothing_is_sent() -> None:
    async def scenario() -> None:
        async with room() as there:
            assert there.endpoints.families == ("ipv4",)
            there.endpoints.send(QUERY, Address("::1", 9), None)
            there.endpoints.send(QUERY, Address("::1", 9), there.ours[0])
            assert [endpoint.unsent for endpoint in there.ours] == [0, 0]

    run(scenario())


def test_one_family_is_renewed_or_both() -> None:
    async def scenario() -> None:
        async with room() as there:
            before = [endpoint._socket for endpoint in there.ours]
            there.endpoints.renew("ipv6")
            assert [endpoint._socket for endpoint in there.ours] == before
            there.endpoints.renew("ipv4")
            for endpoint, old in zip(there.ours, before, strict=True):
                assert endpoint._socket not in (None, old)

    run(scenario())
