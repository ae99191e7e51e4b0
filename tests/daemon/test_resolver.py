"""Bootstrap hosts: all at once, again while wanted, and no answer is believed blindly (D14)."""

import random
import threading

import pytest

from tests.daemon.session_room import run, supervised, until
from torrentd.daemon import resolver as resolver_module
from torrentd.daemon.resolver import (
    ANSWERS_PER_HOST_MAX,
    ASKED_AT_ONCE_MAX,
    Lookup,
    Resolver,
    look_up,
)
from torrentd.daemon.tasks import Tasks
from torrentd.wire.formats.address import Address, AddressPolicy

GOOD = Address("8.8.8.8", 6881)


class Room:
    """A resolver and what it told."""

    def __init__(self, tasks: Tasks, lookup: Lookup, *hosts: str, ipv6: bool = True) -> None:
        self.told: list[list[Address]] = []
        families = [False, True] if ipv6 else [False]
        policy = AddressPolicy(allow_local=False)
        self.resolver = Resolver(
            hosts, policy, families, self.told.append, tasks, random.Random(1), lookup
        )


class TestAnswers:
    def test_all_hosts_are_asked_at_once(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                together = threading.Barrier(3)

                def lookup(host: str, port: int) -> list[Address]:
                    together.wait(5)
                    return [Address(host, port)]

                room = Room(tasks, lookup, "8.8.8.8:1", "9.9.9.9:2", "1.1.1.1:3")
                room.resolver.want()
                await until(lambda: len(room.told) == 3)
                assert sorted(address.port for told in room.told for address in told) == [1, 2, 3]
                room.resolver.close()

        run(scenario())

    def test_a_lie_of_the_name_server_is_not_followed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                lies = [Address("127.0.0.1", 1), Address("10.0.0.1", 1), Address("ff02::1", 1)]
                many = [Address(f"8.8.{n}.8", 1) for n in range(100)]
                answers = {"a": [*lies, GOOD, GOOD], "b": lies, "c": many}
                room = Room(tasks, lambda host, port: answers[host], "a:1", "b:1", "c:1")
                room.resolver.want()
                await until(lambda: len(room.told) == 2)
                assert sorted(map(len, room.told)) == [1, ANSWERS_PER_HOST_MAX]
                assert [GOOD] in room.told
                room.resolver.close()

        run(scenario())

    def test_a_family_without_a_socket_is_left_out(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                answer = [Address("2a00:1450::1", 1), GOOD]
                room = Room(tasks, lambda host, port: answer, "a:1", ipv6=False)
                room.resolver.want()
                await until(lambda: room.told == [[GOOD]])
                room.resolver.close()

        run(scenario())

    def test_the_systems_resolver_is_asked_for_what_is_no_name(self) -> None:
        assert look_up("127.0.0.1", 6881) == [Address("127.0.0.1", 6881)]
        assert look_up("::1", 6881) == [Address("::1", 6881)]


class TestRounds:
    def test_a_host_that_does_not_resolve_is_asked_again_for_as_long_as_it_is_wanted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resolver_module, "ROUND_S", 0.002)

        async def scenario() -> None:
            async with supervised() as tasks:
                asked: list[str] = []
                troubles: list[dict[str, str]] = []

                def lookup(host: str, port: int) -> list[Address]:
                    asked.append(host)
                    if len(asked) < 4:
                        raise OSError("Temporary failure in name resolution")
                    return [GOOD]

                room = Room(tasks, lookup, "a:1")
                while not room.told:
                    room.resolver.want()
                    await until(lambda: room.resolver._timer is None or bool(room.told))
                    troubles.append(dict(room.resolver.troubles))
                assert len(asked) >= 4  # one more where the answer came late
                assert {"a": "Temporary failure in name resolution"} in troubles
                assert room.resolver.troubles == {}
                room.resolver.close()

        run(scenario())

    def test_a_name_server_that_hangs_does_not_get_all_the_threads(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However often they are wanted: hosts that answer are asked in every round."""
        monkeypatch.setattr(resolver_module, "ROUND_S", 0.001)

        async def scenario() -> None:
            async with supervised() as tasks:
                hangs = threading.Event()
                asked: list[str] = []

                def lookup(host: str, port: int) -> list[Address]:
                    asked.append(host)
                    if host == "a":
                        hangs.wait(10)
                    return [GOOD]

                room = Room(tasks, lookup, "a:1", "b:1")
                while asked.count("b") < 20:
                    room.resolver.want()
                    await until(lambda: room.resolver._timer is None)
                assert asked.count("a") == ASKED_AT_ONCE_MAX
                hangs.set()
                room.resolver.close()

        run(scenario())

    def test_wanting_it_twice_makes_one_round(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                asked: list[str] = []

                def lookup(host: str, port: int) -> list[Address]:
                    asked.append(host)
                    return [GOOD]

                room = Room(tasks, lookup, "a:1")
                room.resolver.want()
                room.resolver.want()
                await until(lambda: bool(room.told))
                assert asked == ["a"]
                assert room.resolver._wanted, "the second round waits for its time"
                room.resolver.close()

        run(scenario())
