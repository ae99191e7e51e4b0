"""A link counts from the moment it is made, and gives its place back when it is over."""

import socket
import time
from pathlib import Path

from tests.daemon.session_room import make_config, new_host, run, running, until
from torrentd.config.schema import Limits
from torrentd.daemon.tcp import Link, attach
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.handshake import HANDSHAKE_BYTES, decode_handshake
from torrentd.wire.formats.ids import InfoHash

INFOHASH = InfoHash(b"i" * 20)
STRANGER = Address("127.9.9.9", 6881)


class Owner:
    """Wants no link that was dialled; remembers what was lost, and what failed."""

    def __init__(self) -> None:
        self.lost: list[Link] = []
        self.failed: list[Address] = []

    def link_up(self, link: Link) -> None: ...
    def link_received(self, link: Link, data: memoryview) -> None: ...
    def link_resumed(self, link: Link) -> None: ...
    def link_paused(self, link: Link) -> None: ...
    def link_lost(self, link: Link) -> None:
        self.lost.append(link)

    def link_for(self, address: Address) -> Link | None:
        return None

    def dial_failed(self, address: Address) -> None:
        self.failed.append(address)


class TestMakeLink:
    def test_an_outgoing_link_opens_with_our_handshake_for_its_infohash(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                services = session._services
                link = services.make_link(STRANGER, Owner(), INFOHASH, time.monotonic())
                sent = b"".join(bytes(part) for part in link.connection.data_to_send())
                handshake = decode_handshake(sent[:HANDSHAKE_BYTES])
                assert handshake.infohash == INFOHASH
                assert handshake.peer_id == services.peer_id

        run(scenario())

    def test_an_incoming_link_says_nothing_before_the_stranger_does(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                link = session._services.make_link(STRANGER, Owner(), None, time.monotonic())
                assert not link.connection.outgoing
                assert link.connection.data_to_send() == []

        run(scenario())

    def test_a_link_counts_until_it_is_over_and_not_longer(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                services, owner = session._services, Owner()
                link = services.make_link(STRANGER, owner, None, time.monotonic())
                assert services.admission.connections == 1
                ours, theirs = socket.socketpair()
                ours.setblocking(False)
                await attach(link, ours)
                assert services.admission.connections == 1
                theirs.close()
                await until(lambda: owner.lost == [link])
                assert services.admission.connections == 0

        run(scenario())

    def test_a_dial_that_waits_for_room_begins_when_a_link_ends(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host(), limits=Limits(connections_max=1))
            async with running(config) as session:
                services, owner = session._services, Owner()
                link = services.make_link(STRANGER, owner, None, time.monotonic())
                nobody = Address(new_host(), 6881)
                services.dialer.dial(nobody, owner)
                assert services.dialer._half_open == 0
                link.connection_lost(None)
                assert services.dialer._half_open == 1
                await until(lambda: owner.failed == [nobody])

        run(scenario())
