"""What all pages have: the first line, the note, the keys; and how rates are typed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.daemon.ctl.screen.screen_room import Room, opened
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.failure import REFUSED, Failure
from torrentd.daemon.ctl.screen.keys import TORRENTS, help_lines
from torrentd.daemon.ctl.screen.page import _typed_rate, _wrong_rate
from torrentd.daemon.ctl.torrent_arguments import rate

Story = Callable[[Room], Awaitable[None]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run_story(story: Story, size: tuple[int, int] = (80, 24)) -> None:
        async def within() -> None:
            async with opened(FakeSession(make_torrent(1, "one")), monkeypatch, size) as room:
                await story(room)

        asyncio.run(within())

    return run_story


def test_help_tells_every_key_and_any_key_closes_it(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("question_mark")
        await room.shows("torrents: the keys")
        lines = [line.rstrip() for line in room.lines()]
        assert lines[-len(TORRENTS) :] == help_lines(TORRENTS)
        await room.press("z")
        await room.shows("? help")

    run(story)


def test_help_in_a_small_window_is_scrolled_to_its_end(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        await room.press("question_mark", "end")
        assert help_lines(TORRENTS)[-1][:40] in room.lines()[-1]

    run(story, (60, 10))


def test_warnings_of_the_daemon_are_in_the_note(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        room.daemon.session.warnings = ["disk full on /srv", "no network"]
        await room.shows("disk full on /srv; no network")

    run(story)


def test_a_refusal_is_said(run: Callable[..., None]) -> None:
    async def story(room: Room) -> None:
        room.daemon.failure = Failure(REFUSED, "the metadata is not known yet")
        await room.press("v")
        await room.shows("the metadata is not known yet")

    run(story)


@pytest.mark.parametrize("bytes_per_s", [0, 1, 1000, 1024, 1536 * 1024, 3 * 1024 * 1024])
def test_a_rate_is_written_as_it_is_read(bytes_per_s: int) -> None:
    assert rate(_typed_rate(bytes_per_s)) == bytes_per_s


def test_what_is_no_rate_is_said() -> None:
    assert _wrong_rate(["1M", "0"]) == ""
    assert _wrong_rate(["1M", "fast"]) == '"fast" is no rate; 500K, 1.5M and 0 are'
