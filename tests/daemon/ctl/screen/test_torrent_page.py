"""The page of one torrent: its four pages at three sizes, and what only they ask for."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.ctl.screen.screen_room import SIZES, Room, opened
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.columns import cells_wide
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.status import FileStatus, PeerStatus

ONE = make_torrent(1, "one")
Story = Callable[[Room], Awaitable[None]]


def peer(address: str, client: str = "libtorrent 2.1") -> PeerStatus:
    return PeerStatus(address, client, "dht", "DHFE", 0.5, 2048, 0, 1, 1, 0, 0)


@pytest.fixture
def session() -> FakeSession:
    made = FakeSession(ONE, make_torrent(2, "two"))
    made.peer_list = [peer("192.0.2.1:6881"), peer("[2001:db8:1111:2222:3333:4444:5555:6666]:6881")]
    made.file_list = [
        FileStatus(0, "one/a.mkv", 1000, 500, True),
        FileStatus(1, "one/b.txt", 1000, 0, False),
    ]
    return made


@pytest.fixture
def run(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run_story(story: Story, size: tuple[int, int] = (80, 24)) -> None:
        async def within() -> None:
            async with opened(session, monkeypatch, size) as room:
                await room.press("enter")
                await room.shows("infohash  00000001")
                await story(room)

        asyncio.run(within())

    return run_story


@pytest.mark.parametrize("size", SIZES)
def test_its_pages_at_every_size(run: Callable[..., None], size: tuple[int, int]) -> None:
    async def story(room: Room) -> None:
        assert "why       all choke us" in "\n".join(room.lines())
        for key, text in (("2", "192.0.2.1:6881"), ("3", "one/a.mkv"), ("4", "████····xx")):
            await room.press(key)
            await room.shows(text)
            lines = room.lines()
            assert len(lines) == size[1] and {cells_wide(line) for line in lines} == {size[0]}
            assert lines[1].startswith(" 1 rates   2 peers   3 files   4 pieces")
            assert lines[-1].startswith("? help  Esc back")

    run(story, size)


def test_an_address_is_whole_even_if_it_is_long(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("2")
        await room.shows("[2001:db8:1111:2222:3333:4444:5555:6666]:6881")
        assert room.line("ADDRESS").split() == ["ADDRESS", "DONE", "DOWN/s", "UP/s"]

    run(story, (70, 16))


def test_the_rates_are_pictures(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.until(lambda: room.lines()[2].rstrip().endswith("█" * 5), "five samples")
        assert "down 12.3 MiB/s" in "\n".join(room.lines())

    run(story)


def test_the_arrows_go_round_and_escape_goes_back(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        for key, text in (
            ("right", "ADDRESS"),
            ("tab", "one/a.mkv"),
            ("right", "pieces had"),
            ("right", "why  "),
            ("left", "pieces had"),
            ("shift+tab", "one/a.mkv"),
        ):
            await room.press(key)
            await room.shows(text)
        await room.press("escape")
        await room.shows("Enter open")
        assert "two" in room.lines()[3]

    run(story)


def test_only_what_is_seen_is_asked_for(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("2")
        await room.shows("ADDRESS")
        before = len(room.daemon.asked)
        await room.until(lambda: len(room.daemon.asked) > before + 6, "asked again")
        asked = {method for method, _ in room.daemon.asked[before + 2 :]}
        assert asked == {"status", "peers"}
        assert room.daemon.done("status")[-1] == {"torrents": [ONE.infohash]}

    run(story)


def test_a_file_is_wanted_or_not_and_sooner_or_later(
    run: Callable[..., None], session: FakeSession
) -> None:
    async def story(room: Room) -> None:
        await room.press("3")
        await room.shows("one/a.mkv")
        await room.press("space")
        await room.shows("one/a.mkv is left out")
        await room.press("down", "space")
        await room.shows("one/b.txt is wanted")
        await room.press("plus")
        await room.shows("one/b.txt is of high priority")
        await room.press("minus", "equals_sign")
        await room.until(lambda: len(session.choices) == 5, "all are said")

    run(story)
    assert [choice for _, choice in session.choices] == [
        FileChoice(skip=["0"]),
        FileChoice(also=["1"]),
        FileChoice(high=["1"]),
        FileChoice(low=["1"]),
        FileChoice(normal=["1"]),
    ]


def test_file_keys_do_nothing_elsewhere(run: Callable[..., None], session: FakeSession) -> None:
    async def story(room: Room) -> None:
        await room.press("space", "plus", "2", "space")
        await room.shows("ADDRESS")

    run(story)
    assert session.choices == []


def test_once_it_is_removed_the_list_is_there(
    run: Callable[..., None], session: FakeSession
) -> None:
    async def story(room: Room) -> None:
        await room.press("x", "y")
        await room.shows("1 torrent,")
        assert "two" in room.lines()[2]

    run(story)
    assert session.calls == [("remove", ONE.infohash, "stays")]


def test_one_that_others_removed_is_said_to_be_gone(
    run: Callable[..., None], session: FakeSession
) -> None:
    async def story(room: Room) -> None:
        session.entries.clear()
        await room.shows(f"there is no torrent {ONE.infohash}")
        await room.press("escape")
        await room.shows("no torrent yet: a adds one")

    run(story)


def test_no_name_of_a_stranger_does_anything(
    run: Callable[..., None], session: FakeSession
) -> None:
    named = list(enumerate(f"[b]{name}" for name in HOSTILE))
    session.peer_list = [peer(f"192.0.2.{number}:6881", name) for number, name in named]
    session.file_list = [FileStatus(number, name, 1, 0, True) for number, name in named]

    async def story(room: Room) -> None:
        for key in "23":
            await room.press(key)
            await room.shows("[b]")
            assert sum("[b]" in line for line in room.lines()) == len(HOSTILE)
            assert all(is_safe(line) for line in room.lines())

    run(story, (120, 24))
