"""The list of torrents: its rows at three sizes, its keys, and what is asked for it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.ctl.screen.screen_room import SIZES, Room, opened
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.columns import cells_wide
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen import torrents_page
from torrentd.wire.formats.ids import InfoHash

ONE, TWO = make_torrent(1, "one"), make_torrent(2, "two")
Story = Callable[[Room], Awaitable[None]]


@pytest.fixture
def session() -> FakeSession:
    return FakeSession(ONE, TWO)


@pytest.fixture
def run(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run_story(story: Story, size: tuple[int, int] = (80, 24)) -> None:
        async def within() -> None:
            async with opened(session, monkeypatch, size) as room:
                await story(room)

        asyncio.run(within())

    return run_story


@pytest.mark.parametrize("size", SIZES)
def test_at_every_size_there_are_the_daemon_the_rows_and_the_keys(
    run: Callable[..., None], size: tuple[int, int]
) -> None:
    async def story(room: Room) -> None:
        lines = room.lines()
        assert len(lines) == size[1] and {cells_wide(line) for line in lines} == {size[0]}
        assert lines[0].startswith("2 torrents, down 12.3 MiB/s")
        assert "NAME" in lines[1] and "LEFT" in lines[1]
        assert "one" in lines[2] and "43.2%" in lines[2] and "two" in lines[3]
        assert lines[-1].startswith("? help  q quit  Enter open  a add  p pause")

    run(story, size)


def test_another_size_shows_other_columns_at_once(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        for width, height in ((60, 16), (120, 40), (30, 5), (80, 24)):
            await room.resize(width, height)
            await room.shows("? help")
            assert len(room.lines()) == height
            assert {len(line) for line in room.lines()} == {width}
            assert ("PEERS" in room.lines()[1], "TREND" in room.lines()[1]) == (
                width >= 80,
                width >= 120,
            )
            assert room.line("? help").rstrip() == room.lines()[-1].rstrip()

    run(story)


@pytest.mark.parametrize(("key", "method"), [("p", "pause"), ("r", "resume"), ("v", "verify")])
def test_a_key_acts_on_the_torrent_of_the_cursor(
    run: Callable[..., None], session: FakeSession, key: str, method: str
) -> None:
    async def story(room: Room) -> None:
        await room.press("down", key)
        await room.until(lambda: (method, TWO.infohash) in session.calls, method)
        await room.shows("two")

    run(story)
    assert session.calls == [(method, TWO.infohash)]


@pytest.mark.parametrize(
    ("key", "fate"),
    [("y", "stays"), ("t", "trashed"), ("d", "deleted"), ("n", ""), ("escape", ""), ("enter", "")],
)
def test_nothing_is_removed_without_a_yes(
    run: Callable[..., None], session: FakeSession, key: str, fate: str
) -> None:
    async def story(room: Room) -> None:
        await room.press("x")
        assert "remove one, 531 MiB?" in room.lines()[-2]
        await room.press(key)
        if fate:
            await room.shows("removed one")
            await room.shows("1 torrent,")
        await room.shows("? help")

    run(story)
    removed = [call for call in session.calls if call[0] == "remove"]
    assert removed == ([("remove", ONE.infohash, fate)] if fate else [])


def test_why_is_a_sentence_and_what_would_help(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("w")
        await room.shows("why one?")
        assert "all choke us" in room.lines()[-2] and "what helps: wait" in room.lines()[-1]

    run(story)


def test_the_limits_of_a_torrent_and_of_all(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        now = {"download_bytes_per_s_max": 1024 * 1024, "upload_bytes_per_s_max": 7}
        room.daemon.answers["limits"] = Document({"all": {**now}, "torrents": [{**now}]})
        await room.press("l")
        await room.shows("limits of one")
        assert room.lines()[-2].startswith("down 1M") and room.lines()[-1].startswith("up   7")
        await room.press("end", "x", "enter")
        await room.shows('"1Mx" is no rate')
        await room.press("backspace", "tab", "end", "K", "enter")
        await room.shows("limits of one: set")
        await room.press("L")
        await room.shows("limits of all torrents together")
        await room.press("enter")
        await room.shows("limits of all torrents together: down 1.00 MiB/s, up 7 B/s")
        named, bytes_per_s = {"torrents": [ONE.infohash]}, 1024 * 1024
        limits = {"download_bytes_per_s_max": bytes_per_s, "upload_bytes_per_s_max": 7}
        assert room.daemon.done("limits") == [
            named,
            {**named, **limits, "upload_bytes_per_s_max": 7 * 1024},
            {},
            limits,
        ]

    run(story)


def test_the_filter_shows_as_it_is_typed_and_escape_takes_it_back(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("slash", "t", "w")
        assert "two" in room.lines()[2] and "one" not in "".join(room.lines()[2:20])
        await room.press("enter")
        assert room.lines()[-2].rstrip().endswith("/tw")
        await room.press("slash", "x", "enter")
        await room.shows("none of 2 torrents: Esc shows all")
        await room.press("slash", "backspace", "escape")
        await room.shows("none of 2 torrents")
        await room.press("escape")
        assert "one" in room.lines()[2] and "two" in room.lines()[3]

    run(story)


def test_the_order_is_said_and_the_cursor_stays_on_its_torrent(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("down", "s", "S")
        assert "two" in room.lines()[2] and "one" in room.lines()[3]
        assert room.lines()[-2].rstrip().endswith("1/2  by name turned")
        assert room.app._torrents.table.chosen == TWO.infohash

    run(story)


def test_a_name_moves_nothing_and_is_no_markup(
    run: Callable[..., None], session: FakeSession
) -> None:
    named = [make_torrent(number, f"[red]{name}[/]") for number, name in enumerate(HOSTILE)]
    session.entries = FakeSession(*named).entries

    async def story(room: Room) -> None:
        assert all(line.startswith("[red]") for line in room.lines()[2 : 2 + len(HOSTILE)])
        for _ in HOSTILE:
            assert all(is_safe(line) for line in room.lines())
            await room.press("x")
            assert "remove [red]" in room.lines()[-2]
            assert all(is_safe(line) for line in room.lines())
            await room.press("n", "down")

    run(story)


def test_between_two_whole_answers_only_those_that_are_seen_are_asked_for(
    run: Callable[..., None], session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torrents_page, "ALL_EVERY", 10**9)
    session.entries = FakeSession(*(make_torrent(number) for number in range(100))).entries

    async def story(room: Room) -> None:
        asked = room.daemon.done
        await room.until(lambda: len(asked("status")) > 3, "asked again")
        assert asked("status")[0] == {}
        seen = [make_torrent(number).infohash for number in range(20)]
        assert asked("status")[1:3] == [{"torrents": seen}] * 2
        await room.press("end")
        await room.until(
            lambda: (
                asked("status")[-1]
                == {"torrents": [make_torrent(n).infohash for n in range(80, 100)]}
            ),
            "the last are asked for",
        )
        gone = InfoHash(bytes.fromhex(make_torrent(90).infohash))
        del session.entries[gone]
        await room.shows("99 torrents")

    run(story)


def test_a_magnet_that_is_pasted_is_about_to_be_added(
    run: Callable[..., None], session: FakeSession
) -> None:
    async def story(room: Room) -> None:
        await room.paste("magnet:?xt=urn:btih:" + "ab" * 20 + "\n")
        await room.shows("add magnet:?xt=urn:btih:abab")
        await room.press("enter")
        await room.shows("added added")

    run(story)
    assert session.added[0].magnet == "magnet:?xt=urn:btih:" + "ab" * 20
