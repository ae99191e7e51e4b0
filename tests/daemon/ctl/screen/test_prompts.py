"""Questions, entries and notices: what is answered, and that Esc never means yes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.screen import ModalScreen

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from torrentd.daemon.ctl.columns import cells_wide
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.screen.prompts import Entry, Notice, Question, wrapped

Answer = str | list[str] | None


class Asked(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []

    def ask(self, prompt: ModalScreen[Answer]) -> None:
        self.push_screen(prompt, self.answers.append)

    def lines(self) -> list[str]:
        strips = self.screen._compositor.render_strips(self.size)
        return [strip.text.rstrip() for strip in strips]


def run(story: Callable[[Asked, Pilot[None]], Awaitable[None]]) -> None:
    async def within() -> None:
        app = Asked()
        async with app.run_test(size=(40, 10)) as pilot:
            await story(app, pilot)

    asyncio.run(within())


@pytest.mark.parametrize(
    ("key", "answer"),
    [("y", "y"), ("d", "d"), ("n", ""), ("escape", ""), ("enter", ""), ("space", ""), ("up", "")],
)
def test_only_the_keys_that_were_named_are_an_answer(key: str, answer: str) -> None:
    async def story(app: Asked, pilot: Pilot[None]) -> None:
        app.push_screen(Question("remove?", {"y": "yes", "d": "all"}), app.answers.append)
        await pilot.pause()
        assert app.lines()[-2:] == ["remove?", "y yes  d all  n no"]
        await pilot.press(key)
        assert app.answers == [answer]

    run(story)


class TestEntry:
    def entry(self, app: Asked, check: Callable[[list[str]], str] = lambda values: "") -> None:
        prompt = Entry("limits", {"down": "1M", "up": "0"}, check, self.heard.append)
        app.push_screen(prompt, app.answers.append)

    heard: list[str]

    @pytest.fixture(autouse=True)
    def nothing_heard(self) -> None:
        self.heard = []

    def test_enter_gives_every_field(self) -> None:
        async def story(app: Asked, pilot: Pilot[None]) -> None:
            self.entry(app)
            await pilot.pause()
            assert app.lines()[-3:] == ["limits", "down 1M", "up 0"]
            await pilot.press("end", "0", "tab", "end", "5", "enter")
            assert app.answers == [["1M0", "05"]]
            assert {"1M0", "05"} <= {*self.heard}

        run(story)

    def test_escape_gives_none(self) -> None:
        async def story(app: Asked, pilot: Pilot[None]) -> None:
            self.entry(app)
            await pilot.press("5", "escape")
            assert app.answers == [None]

        run(story)

    def test_what_is_pasted_is_its_first_line_and_does_nothing(self) -> None:
        async def story(app: Asked, pilot: Pilot[None]) -> None:
            self.entry(app)
            await pilot.pause()
            app.post_message(events.Paste("\x1b]0;owned\x07\nsecond"))
            await pilot.pause()
            assert_safe(app.lines())
            await pilot.press("enter")
            assert app.answers == [["1M\\x1b]0;owned\\x07", "0"]]

        run(story)

    def test_what_is_wrong_is_said_and_it_stays(self) -> None:
        async def story(app: Asked, pilot: Pilot[None]) -> None:
            self.entry(app, lambda values: "that is no rate" if values[0] != "7" else "")
            await pilot.press("enter")
            await pilot.pause()
            assert app.answers == [] and app.lines()[-3] == "that is no rate"
            await pilot.press("home", "delete", "delete", "7", "enter")
            assert app.answers == [["7", "0"]]

        run(story)


class TestNotice:
    def test_it_is_as_high_as_it_must_be_and_any_key_closes_it(self) -> None:
        async def story(app: Asked, pilot: Pilot[None]) -> None:
            app.push_screen(Notice("why?", ["because " * 7]), app.answers.append)
            await pilot.pause()
            assert app.lines()[-3:] == ["why?", ("because " * 5).strip(), "    because because"]
            await pilot.press("x")
            assert app.answers == [None]

        run(story)

    def test_what_has_no_room_is_scrolled_to(self) -> None:
        async def story(app: Asked, pilot: Pilot[None]) -> None:
            app.push_screen(Notice("keys", [f"line {number}" for number in range(30)]))
            await pilot.pause()
            assert app.lines() == ["keys", *(f"line {number}" for number in range(9))]
            await pilot.press("pagedown", "down")
            assert app.lines()[1] == "line 9"
            await pilot.resize_terminal(40, 5)
            await pilot.pause()
            assert app.lines()[0] == "keys" and len(app.lines()) == 5

        run(story)


def test_wrapped_lines_are_no_wider_and_keep_their_words() -> None:
    assert wrapped("a  b", 20) == ["a  b"]
    lines = wrapped("one two three four", 10)
    assert lines == ["one two", "    three", "    four"]
    assert wrapped("one two three", 9, "") == ["one two", "three"]


@given(st.text(max_size=80), st.integers(14, 40))
def test_wrapped_lines_are_no_wider_whatever_the_alphabet(text: str, width: int) -> None:
    assert all(cells_wide(line) <= width for line in wrapped(escape(text), width))


def test_a_name_in_a_notice_does_nothing() -> None:
    async def story(app: Asked, pilot: Pilot[None]) -> None:
        app.push_screen(Notice("[red]names", [escape(name) for name in HOSTILE]))
        await pilot.resize_terminal(80, 40)
        await pilot.pause()
        assert "[red]names" in app.lines()
        assert_safe(app.lines())

    run(story)


def assert_safe(lines: Sequence[str]) -> None:
    assert all(is_safe(line) for line in lines)
