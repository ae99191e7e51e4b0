"""Lines on the terminal: nothing in them is markup, and what has no room is scrolled to."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from torrentd.daemon.ctl.screen.layout import Piece
from torrentd.daemon.ctl.screen.paper import MOVING_KEYS, STYLES, Line, Paper, plain, strip
from torrentd.daemon.ctl.tables import TORRENT_COLUMNS


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.line, self.paper = Line(), Paper()

    def compose(self) -> ComposeResult:
        yield self.line
        yield self.paper

    def on_mount(self) -> None:
        self.paper.focus()

    def lines(self) -> list[str]:
        return [self.paper.render_line(y).text.rstrip() for y in range(self.paper.size.height)]


def run(story: Callable[[Shown, Pilot[None]], Awaitable[None]]) -> None:
    async def within() -> None:
        app = Shown()
        async with app.run_test(size=(20, 6)) as pilot:
            await story(app, pilot)

    asyncio.run(within())


def test_a_strip_is_as_wide_as_it_says_and_its_text_is_no_markup() -> None:
    pieces = [Piece("[red]x[/]", "31"), Piece(" :smile:")]
    assert strip(pieces, 30).text == "[red]x[/] :smile:".ljust(30)
    assert strip(pieces, 5).text == "[red]"
    style = next(iter(strip(pieces, 30, "7"))).style
    assert style is not None and style.reverse and style.color is not None


def test_every_style_of_the_tables_is_known_to_the_screen() -> None:
    assert {style for column in TORRENT_COLUMNS for style in column.styles.values()} <= {*STYLES}


def test_what_is_drawn_is_drawn_for_the_size_that_there_is() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.paper.show(lambda width, height: plain(f"{width} by {height}"))
        app.line.write(lambda width: [Piece(f"{width} wide")])
        await pilot.pause()
        assert app.lines()[0] == "20 by 5"
        assert app.line.render_line(0).text.rstrip() == "20 wide"
        await pilot.resize_terminal(33, 4)
        await pilot.pause()
        assert app.lines() == ["33 by 3", "", ""]

    run(story)


def test_what_has_no_room_is_scrolled_to_and_not_beyond() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.paper.show(lambda width, height: plain(*map(str, range(12))))
        for keys, top in (
            (["down"], 1),
            (["j", "j"], 3),
            (["up", "k", "k", "k"], 0),
            (["pagedown"], 4),
            (["end"], 7),
            (["pagedown"], 7),
            (["home"], 0),
        ):
            await pilot.press(*keys)
            assert app.lines()[0] == str(top), keys
        await pilot.press("end")
        app.paper.show(lambda width, height: plain("few"))
        assert app.lines()[0] == "few"

    run(story)


@pytest.mark.parametrize("key", MOVING_KEYS)
def test_the_keys_that_move_are_those_that_are_said_to(key: str) -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        assert key in app.paper._bindings.key_to_bindings

    run(story)
