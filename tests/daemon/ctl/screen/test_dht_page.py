"""The page of the DHT: its state and its nodes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.daemon.ctl.screen.screen_room import SIZES, Room, opened
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.columns import cells_wide
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen.dht_page import OFF

Story = Callable[[Room], Awaitable[None]]
NODES: list[Json] = [
    {
        "node_id": f"{number:02x}" * 20,
        "address": f"192.0.2.{number}:6881",
        "family": "ipv4",
        "state": "good",
        "fits_host": True,
        "rtt_s": 0.03,
        "replied_age_s": 4.0,
    }
    for number in range(40)
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run_story(story: Story, size: tuple[int, int] = (80, 24)) -> None:
        async def within() -> None:
            async with opened(FakeSession(make_torrent(1, "one")), monkeypatch, size) as room:
                room.daemon.answers["dht nodes"] = Document({"nodes": [*NODES]})
                await room.press("d")
                await story(room)

        asyncio.run(within())

    return run_story


@pytest.mark.parametrize("size", SIZES)
def test_its_state_and_its_nodes_at_every_size(
    run: Callable[..., None], size: tuple[int, int]
) -> None:
    async def story(room: Room) -> None:
        await room.shows("last reply    0s ago")
        assert room.lines()[0].startswith("the DHT: 123 good nodes, 7 unsure")
        assert room.line("FAMILY").startswith("FAMILY GOOD")
        await room.press("right")
        await room.shows("192.0.2.1:6881")
        await room.press("end")
        await room.shows("40/40")
        assert {cells_wide(line) for line in room.lines()} == {size[0]}
        await room.press("tab")
        await room.shows("last reply")
        await room.press("escape")
        await room.shows("Enter open")

    run(story, size)


def test_nodes_are_asked_for_only_while_they_are_seen_and_seldom(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.shows("last reply")
        assert room.daemon.done("dht nodes") == []
        await room.press("right")
        await room.shows("192.0.2.1:6881")
        before = len(room.daemon.done("dht status"))
        await room.until(lambda: len(room.daemon.done("dht status")) > before + 3, "asked again")
        assert len(room.daemon.done("dht nodes")) == 1

    run(story)


def test_a_dht_that_is_off_is_said_to_be(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        room.daemon.answers["dht status"] = Document({"enabled": False})
        await room.until(lambda: room.lines()[1].rstrip() == OFF, OFF)

    run(story)
