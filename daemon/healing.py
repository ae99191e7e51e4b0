"""Hears that the machine's network went, came or changed, and does what `Outage` decides (O4, T40).

The kernel tells at once (rtnetlink), a look every few seconds finds what it does not tell: that the
machine slept, or that netlink is forbidden here.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, assert_never

from torrentd.daemon import interfaces
from torrentd.daemon.dialer import Dialer
from torrentd.daemon.discovery import Discovery
from torrentd.daemon.doors import Doors
from torrentd.daemon.interfaces import Interfaces, MachineNetwork
from torrentd.daemon.logs import get_logger
from torrentd.daemon.outage import (
    Action,
    CutLinks,
    CutSilentLinks,
    Outage,
    ProveLinks,
    Rebind,
    Rejoin,
    SearchAgain,
)
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Link
from torrentd.wire.formats.address import AddressPolicy

POLL_S = 5.0

log = get_logger("network")


class Company(Protocol):
    """The connections of a torrent, or of many."""

    def cut(self, is_dead: Callable[[Link], bool]) -> None: ...
    def network_returned(self, lost_at: float) -> None: ...
    def prove_links(self) -> None: ...


class Healing:
    """`traffics` are the connections of all torrents."""

    def __init__(
        self,
        doors: Doors,
        dialer: Dialer,
        discovery: Discovery,
        traffics: Callable[[], Iterable[Company]],
        policy: AddressPolicy,
        tasks: Tasks,
    ) -> None:
        self._doors = doors
        self._dialer = dialer
        self._discovery = discovery
        self._traffics = traffics
        self._policy = policy
        self._tasks = tasks
        self._wake = asyncio.Event()
        self.on_network: Callable[[str], object] = _nobody  # hears of `network-lost` and `-found`
        self._told = False  # by the kernel, that something changed
        self._silence_ended: float | None = None  # since when it had lasted
        self._interfaces = Interfaces(self._on_change)
        self._outage = Outage(interfaces.read_network(), time.monotonic())
        self._asleep_s = asleep_s()

    def start(self) -> None:
        self._interfaces.open()
        self._dialer.use_sources(self._doors.addresses)
        self._discovery.on_silence_ended = self._on_silence_ended
        self._tasks.spawn(self._watch(), "watch the network")

    def close(self) -> None:
        self._interfaces.close()

    def warnings(self) -> list[str]:
        """Whoever may use local addresses has perhaps no other, and wants none."""
        if self._outage.network.is_there or self._policy.allow_local:
            return []
        return ["this machine has no network at the moment"]

    def _on_change(self) -> None:
        self._told = True
        self._wake.set()

    def _on_silence_ended(self, since: float) -> None:
        self._silence_ended = since
        self._wake.set()

    async def _watch(self) -> None:
        while True:
            await self._wait()
            now = time.monotonic()
            await self._perform(self._look(interfaces.read_network(), now))

    async def _wait(self) -> None:
        deadline, now = self._outage.next_deadline(), time.monotonic()
        wait_s = POLL_S if deadline is None else min(POLL_S, max(deadline - now, 0.0))
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _look(self, network: MachineNetwork, now: float) -> list[Action]:
        """Tells the core all that is new."""
        actions: list[Action] = []
        before = self._outage.network
        if before.is_there and not network.is_there:
            log.warning("the network is gone")
            self.on_network("network-lost")
        asleep = asleep_s()
        slept_s, self._asleep_s = asleep - self._asleep_s, asleep
        actions += self._outage.slept(slept_s, now)
        told, self._told = self._told, False
        silent = told and self._discovery.is_silent
        actions += self._outage.network_is(network, now, silent=silent)
        since, self._silence_ended = self._silence_ended, None
        if since is not None:
            actions += self._outage.silence_ended(since, now)
        return actions

    async def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Rebind():
                    await self._doors.heed(action.gone)
                    self._dialer.use_sources(self._doors.addresses)
                case Rejoin():
                    self._log_return(action)
                    self._discovery.rejoin(action.slept_s)
                case _:
                    self._tell_torrents(action)

    def _tell_torrents(self, action: CutLinks | SearchAgain | ProveLinks | CutSilentLinks) -> None:
        for traffic in list(self._traffics()):
            match action:
                case CutLinks():
                    traffic.cut(partial(_stands_on, action.hosts))
                case SearchAgain():
                    traffic.network_returned(action.lost_at)
                case ProveLinks():
                    traffic.prove_links()
                case CutSilentLinks():
                    traffic.cut(partial(_is_silent, action.silent_s))
                case _:
                    assert_never(action)

    def _log_return(self, action: Rejoin) -> None:
        network = self._outage.network
        self.on_network("network-found")
        log.info(
            "the network is back or another one",
            ipv4=network.ipv4,
            ipv6=network.ipv6,
            slept_s=round(action.slept_s),
        )


def _nobody(event: str) -> None:
    return None


def _stands_on(hosts: frozenset[str], link: Link) -> bool:
    return link.local_host in hosts


def _is_silent(silent_s: float, link: Link) -> bool:
    return link.silent_s >= silent_s


def asleep_s() -> float:
    """How long the machine was asleep since it booted."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
