"""The machine's addresses as the kernel tells them, and that a change is heard once."""

import errno
import socket

import pytest

from tests.daemon.session_room import new_host, run, until
from torrentd.daemon import interfaces
from torrentd.daemon.interfaces import Interfaces, MachineNetwork, read_addresses, read_network


class ScriptedSocket:
    """Gives what a test wrote down, then nothing."""

    def __init__(self, *steps: OSError | tuple[bytes, tuple[int, int]]) -> None:
        self.steps = list(steps)

    def recvfrom(self, size: int) -> tuple[bytes, tuple[int, int]]:
        if not self.steps:
            raise BlockingIOError
        step = self.steps.pop(0)
        if isinstance(step, OSError):
            raise step
        return step


class TestReading:
    def test_every_address_that_can_be_bound_is_there(self) -> None:
        addresses = read_addresses()
        assert addresses is not None and "127.0.0.1" in addresses
        for address in addresses - {a for a in addresses if a.startswith("fe80:")}:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.bind((address, 0))

    def test_where_netlink_is_forbidden_the_addresses_are_unknown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make = socket.socket

        def refuse(family: int = -1, *arguments: int, **named: int) -> socket.socket:
            if family == socket.AF_NETLINK:
                raise PermissionError(errno.EPERM, "Operation not permitted")
            return make(family, *arguments, **named)

        monkeypatch.setattr(socket, "socket", refuse)
        assert read_network().addresses is None

        async def scenario() -> None:
            assert not Interfaces(lambda: None).open()

        run(scenario())

    def test_a_dump_that_was_interrupted_is_asked_for_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = iter([None, None, frozenset({"10.0.0.1"})])
        monkeypatch.setattr(interfaces, "_receive_dump", lambda sock, sequence: next(found))
        assert read_addresses() == frozenset({"10.0.0.1"})

    def test_what_another_process_writes_to_us_is_not_the_kernels(self) -> None:
        """A user may send to any netlink socket; only the kernel has port 0."""
        forged = ScriptedSocket((b"\xff" * 64, (4242, 0)))
        assert interfaces._receive(forged) == b""  # type: ignore[arg-type]  # a stand-in


class TestMachineNetwork:
    @pytest.mark.parametrize(
        ("addresses", "is_there"),
        [
            ({"127.0.0.1", "::1"}, False),
            ({"127.0.0.1", "fe80::5"}, False),
            ({"169.254.3.4"}, False),
            ({"127.0.0.1", "192.168.1.5"}, True),
            ({"2001:db8::5"}, True),
        ],
    )
    def test_loopback_and_link_local_are_no_network(
        self, addresses: set[str], is_there: bool
    ) -> None:
        assert MachineNetwork(frozenset(addresses)).is_there is is_there

    def test_where_addresses_are_unknown_a_way_out_is_enough(self) -> None:
        assert not MachineNetwork(None).is_there
        assert MachineNetwork(None, ipv6="2001:db8::5").is_there


class TestListening:
    def test_many_events_and_even_lost_ones_are_one_change(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ENOBUFS: the kernel had more to say than we could hear."""
        monkeypatch.setattr(interfaces, "SETTLE_S", 0.002)

        async def scenario() -> None:
            changes: list[None] = []
            listening = Interfaces(lambda: changes.append(None))
            event = (b"event", (0, 1))
            for first in (event, OSError(errno.ENOBUFS, "No buffer space available")):
                listening._socket = ScriptedSocket(first, event, event)  # type: ignore[assignment]  # a stand-in
                listening._readable()
                await until(lambda: bool(changes))
                assert changes == [None]
                changes.clear()
            listening._socket = ScriptedSocket((b"forged", (4242, 0)))  # type: ignore[assignment]  # a stand-in
            listening._readable()
            assert listening._timer is None
            listening._socket = None
            listening.close()

        run(scenario())

    def test_after_close_nothing_is_told(self) -> None:
        async def scenario() -> None:
            listening = Interfaces(lambda: None)
            assert listening.open()
            listening._readable()
            listening.close()
            assert listening._socket is None and listening._timer is None

        run(scenario())


def test_a_loopback_address_is_no_way_out() -> None:
    assert not MachineNetwork(frozenset({new_host()})).is_there
