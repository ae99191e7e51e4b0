"""Incoming connections until they have said which torrent they want (C1, C2, W10).

Ten seconds for the whole handshake and so many at once, the oldest going first; whoever names a
torrent that is not here is closed without a byte.
"""

import socket
import time
from collections.abc import Callable
from typing import Protocol

from torrentd.daemon.driver import Driver
from torrentd.daemon.logs import get_logger
from torrentd.daemon.services import Services
from torrentd.daemon.tcp import Link, attach
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import ConnectionFailed, Event, HandshakeCompleted

log = get_logger("tcp")


class Adopter(Protocol):
    """Takes over a connection whose torrent it is: a torrent's traffic."""

    def adopt(self, link: Link) -> None: ...


class Lobby:
    """Owns a link from accept until its handshake has come."""

    def __init__(self, services: Services, find: Callable[[InfoHash], Adopter | None]) -> None:
        self._services = services
        self._find = find
        self._waiting: dict[PeerConnection, Link] = {}
        self._driver = Driver(self._next_deadline, self._tick)

    def accepted(self, sock: socket.socket, address: Address) -> None:
        """A socket that `Admission` let in."""
        now = time.monotonic()
        link = self._services.make_link(address, self, None, now)
        self._services.tasks.spawn(attach(link, sock), f"accept {address}")

    def close(self) -> None:
        self._driver.stop()
        for link in list(self._waiting.values()):
            link.abort()

    def link_up(self, link: Link) -> None:
        if len(self._waiting) >= self._services.config.limits.half_open_max:
            self._drop(next(iter(self._waiting.values())))
        self._waiting[link.connection] = link
        self._driver.rearm(time.monotonic())

    def link_received(self, link: Link, data: memoryview) -> None:
        if link.connection in self._waiting:
            self._judge(link, link.connection.receive_data(data, time.monotonic()))

    def link_lost(self, link: Link) -> None:
        self._waiting.pop(link.connection, None)

    def link_paused(self, link: Link) -> None:
        """Nothing is sent from here."""

    def link_resumed(self, link: Link) -> None:
        """As above."""

    def _judge(self, link: Link, events: list[Event]) -> None:
        for event in events:
            match event:
                case HandshakeCompleted():
                    del self._waiting[link.connection]
                    adopter = self._find(event.handshake.infohash)
                    if adopter is None:
                        link.abort()
                    else:
                        adopter.adopt(link)
                    return
                case ConnectionFailed():
                    log.debug("no handshake", peer=str(link.connection.address), why=event.reason)
                    self._waiting.pop(link.connection, None)
                    link.close()
                    return

    def _drop(self, link: Link) -> None:
        self._waiting.pop(link.connection, None)
        link.abort()

    def _tick(self, now: float) -> None:
        for link in list(self._waiting.values()):
            self._judge(link, link.connection.tick(now))

    def _next_deadline(self) -> float | None:
        """They came in order and all have the same time: the oldest is due first."""
        for connection in self._waiting:
            return connection.next_deadline()
        return None
