"""`torrentctl watch` on a terminal: how it begins, and that it leaves nothing behind."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.ctl.screen.terminal import Terminal
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.main import main

COMMAND = [sys.executable, "-m", "torrentd.daemon.ctl.main"]
BROKEN = """
import sys
from torrentd.daemon.ctl.main import main
from torrentd.daemon.ctl.screen.torrents_page import TorrentsPage
def action_turn(page):
    raise RuntimeError("a fault of ours")
TorrentsPage.action_turn = action_turn
sys.exit(main())
"""
WITHOUT = """
import sys
sys.modules["textual"] = None
from torrentd.daemon.ctl.main import main
sys.exit(main())
"""


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession(make_torrent(1, "one"), make_torrent(2, "two"))) as running:
        yield running


def watched(served: Served, *how: str, **env: str) -> Terminal:
    command = [*(how or COMMAND), "--socket", str(served.path), "watch"]
    return Terminal(command, **env)


def titles(terminal: Terminal) -> list[str]:
    """The last line of titles that was drawn whole."""
    lines = re.split(rb"\r\n|\x1b\[[0-9;]*H", terminal.written)[:-1]
    found = [re.sub(rb"\x1b\[[0-9;]*m", b"", line) for line in lines if b"NAME" in line]
    return found[-1].decode().split() if found else []


@pytest.mark.parametrize(
    ("keys", "number", "code"),
    [
        (b"q", None, 0),
        (b"\x03", None, 130),
        (b"a\x03", None, 130),
        (b"", signal.SIGINT, 130),
        (b"", signal.SIGTERM, 143),
        (b"", signal.SIGHUP, 129),
        (b"xd/", signal.SIGTERM, 143),
    ],
)
def test_however_it_ends_the_terminal_is_as_before(
    served: Served, keys: bytes, number: signal.Signals | None, code: int
) -> None:
    with watched(served) as terminal:
        terminal.shows("2 torrents, down", "\x1b[?1049h")
        terminal.press(keys)
        if number is not None:
            terminal.send(number)
        assert terminal.ended() == code
        assert terminal.is_as_before()
        assert terminal.written.rpartition(b"\x1b[?1049l")[2].strip().startswith(b"\x1b[?25h")


def test_a_fault_of_ours_leaves_the_terminal_as_before(served: Served) -> None:
    with watched(served, sys.executable, "-c", BROKEN) as terminal:
        terminal.shows("2 torrents, down")
        terminal.press(b"S")
        assert terminal.ended() == 1
        assert terminal.is_as_before()
        after = terminal.written.rpartition(b"\x1b[?1049l")[2]
        assert b"a fault of ours" in after


def test_a_daemon_that_ends_is_said_to_be_gone_and_the_screen_stays(served: Served) -> None:
    with watched(served) as terminal:
        terminal.shows("2 torrents, down")
        served.stop()
        terminal.shows("gone, asked again every second: no daemon at")
        terminal.press(b"q")
        assert terminal.ended() == 0 and terminal.is_as_before()


def test_another_size_is_seen_at_once(served: Served) -> None:
    narrow = ["NAME", "STATE", "DONE", "DOWN/s", "UP/s", "LEFT"]
    usual = ["NAME", "STATE", "DONE", "SIZE", "DOWN/s", "UP/s", "PEERS", "LEFT"]
    with watched(served) as terminal:

        def shown_for(width: int, height: int, expected: list[str]) -> None:
            terminal.resize(width, height)
            terminal.until(lambda: titles(terminal) == expected, f"{width} by {height}")

        terminal.until(lambda: titles(terminal) == usual, "80 by 24")
        shown_for(120, 40, ["ID", *usual, "TREND"])
        shown_for(60, 16, narrow)
        shown_for(80, 24, usual)


def test_colours_are_few_and_none_where_none_are_wanted(served: Served) -> None:
    for wanted, coloured in (("", True), ("1", False)):
        with watched(served, NO_COLOR=wanted) as terminal:
            terminal.shows("downloading")
            terminal.press(b"q")
            assert terminal.ended() == 0
            assert terminal.has_colour() == coloured


def test_what_comes_of_a_name_is_no_command_to_the_terminal(served: Served) -> None:
    served.session.entries |= FakeSession(make_torrent(3, "\x1b]0;owned\x07")).entries
    with watched(served) as terminal:
        terminal.shows("\\x1b]0;owned\\x07")
        terminal.press(b"q")
        assert terminal.ended() == 0
        assert b"\x1b]0" not in terminal.written


def test_without_textual_it_says_what_is_missing(served: Served) -> None:
    with watched(served, sys.executable, "-c", WITHOUT) as terminal:
        assert terminal.ended() == 2
        assert b"pip install 'torrentd[tui]'" in terminal.written
        assert terminal.is_as_before()


def test_without_a_terminal_it_says_what_is_for_scripts(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--socket", str(served.path), "watch"]) == 2
    assert "watch needs a terminal; status --json" in capsys.readouterr().err
    assert main(["--socket", str(served.path), "watch", "--json"]) == 2
    assert "watch is for people" in capsys.readouterr().err


def test_a_terminal_that_cannot_move_its_cursor_is_none(served: Served) -> None:
    with watched(served, TERM="dumb") as terminal:
        assert terminal.ended() == 2 and b"TERM says it cannot" in terminal.written


def test_without_a_daemon_it_ends_as_every_verb(tmp_path: Path) -> None:
    with Terminal([*COMMAND, "--socket", str(tmp_path / "none"), "watch"]) as terminal:
        assert terminal.ended() == 3
        assert terminal.written.startswith(b"torrentctl: no daemon at")


def test_no_other_verb_imports_it(served: Served) -> None:
    program = (
        "import sys\n"
        "from torrentd.daemon.ctl.main import main\n"
        f"main(['--socket', {str(served.path)!r}, 'status'])\n"
        "assert not [name for name in sys.modules if name.startswith(('textual', 'asyncio'))]\n"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program]) == 0
