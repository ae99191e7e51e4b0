"""The screen as a whole: a daemon that goes away and comes back, what happens, how it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.daemon.ctl.screen.screen_room import Room, opened
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen import watch

Story = Callable[[Room], Awaitable[None]]


@pytest.fixture
def session() -> FakeSession:
    return FakeSession(make_torrent(7, "one"))


@pytest.fixture
def run(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], Room]:
    def run_story(story: Story) -> Room:
        async def within() -> Room:
            async with opened(session, monkeypatch) as room:
                await story(room)
            return room

        return asyncio.run(within())

    return run_story


def test_a_daemon_that_goes_away_is_said_to_be_gone_and_asked_again(
    run: Callable[[Story], Room], session: FakeSession
) -> None:
    async def story(room: Room) -> None:
        room.daemon.goes_away()
        await room.shows("gone, asked again every second: the daemon at /run/fake.sock")
        assert "one" in room.lines()[2]  # what was known stays to be read
        await room.press("p")
        session.entries |= FakeSession(make_torrent(2, "two")).entries
        room.daemon.failure = None
        await room.shows("2 torrents, down")
        assert "two" in room.lines()[3]

    run(story)


def test_a_daemon_that_does_not_answer_is_said_to_be_silent(
    run: Callable[[Story], Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(room: Room) -> None:
        monkeypatch.setattr(watch, "SILENCE_S", 0.0)
        silence = asyncio.Event()

        async def ask(method: str, *more: object) -> Document:
            await silence.wait()
            return Document({})

        monkeypatch.setattr(room.daemon, "ask", ask)
        await room.shows("no answer for 1 s")
        await room.press("question_mark")  # nobody waits for it
        await room.shows("the keys")
        silence.set()

    run(story)


def test_what_happens_is_told_and_asked_about_at_once(run: Callable[[Story], Room]) -> None:
    async def story(room: Room) -> None:
        before = room.app._torrents._all_due_at
        room.daemon.happenings.put_nowait(Document({"event": "done", "name": "one\x1b[2J"}))
        await room.shows("done: one\\x1b[2J")
        await room.until(lambda: room.app._torrents._all_due_at != before, "asked for all")

    run(story)


def test_what_was_said_is_not_said_for_ever(
    run: Callable[[Story], Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SAID_S", 0.05)

    async def story(room: Room) -> None:
        await room.press("p")
        await room.until(lambda: room.app._said is not None, "said")
        await room.until(lambda: room.app.said() is None, "forgotten")
        await room.until(lambda: "paused one" not in "".join(room.lines()), "wiped")

    run(story)


class TestAdd:
    def test_a_torrent_file_is_read_here(
        self, run: Callable[[Story], Room], session: FakeSession, tmp_path: Path
    ) -> None:
        (tmp_path / "a.torrent").write_bytes(b"d4:infod4:name1:aee")

        async def story(room: Room) -> None:
            await room.press("a", *str(tmp_path / "a.torrent"), "enter")
            await room.shows("added added")
            await room.shows("2 torrents")

        run(story)
        assert session.added[0].metainfo == b"d4:infod4:name1:aee"

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("/none", "cannot read /none: No such file"),
            ("http://a/b", "torrentd fetches no URLs"),
            ("magnet:?xt=x", "this is no magnet link"),
            ("-", "standard input is the keyboard here"),
        ],
    )
    def test_what_cannot_be_added_is_said(
        self, run: Callable[[Story], Room], session: FakeSession, typed: str, said: str
    ) -> None:
        async def story(room: Room) -> None:
            await room.press("a", *typed, "enter")
            await room.shows(said)
            await room.press("a", "escape")
            await room.shows("? help")

        run(story)
        assert len(session.entries) == 1


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (["q"], 0),
        (["ctrl+q"], 0),
        (["enter", "q", "q"], 0),  # deeper, it goes back
        *([[*first, "ctrl+c"], 130] for first in ([], ["enter"], ["d"], ["x"], ["a"], ["l"])),
        (["slash", "q", "ctrl+c"], 130),  # where one types, it is a letter
        (["question_mark", "ctrl+c"], 130),
    ],
)
def test_it_ends_from_wherever_one_is(
    run: Callable[[Story], Room], keys: list[str], code: int
) -> None:
    async def story(room: Room) -> None:
        for key in keys:
            assert room.app.return_code is None
            await room.press(key)

    assert run(story).app.return_code == code
