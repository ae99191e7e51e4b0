"""Which question comes next while somebody waits."""

import pytest

from torrentd.daemon.client.errors import TimedOut
from torrentd.daemon.client.progress import Waiting


def test_the_wait_is_cut_where_the_time_is_over() -> None:
    waiting = Waiting("all", "done", every_s=2.0, timeout_s=5.0, now=100.0)
    cuts = [waiting.wait(now).params["timeout_s"] for now in (100.0, 104.0, 106.0)]
    assert cuts == [2.0, 1.0, 0.0]


def test_without_a_time_it_is_asked_for_ever() -> None:
    waiting = Waiting(["a", "b"], "seeding", every_s=2.0, timeout_s=None, now=0.0)
    expected = {"torrents": ["a", "b"], "until": "seeding", "timeout_s": 2.0}
    assert waiting.wait(10**9).params == expected
    assert not waiting.is_over(False, 10**9) and waiting.is_over(True, 10**9)


def test_names_are_asked_for_once() -> None:
    """A magnet's name is replaced by that of its metadata, in the middle of the wait."""
    waiting = Waiting("a magnet", "done", every_s=2.0, timeout_s=None, now=0.0)
    assert waiting.status(["ab" * 20]).params == {"torrents": ["ab" * 20]}
    assert waiting.wait(1.0).params["torrents"] == ["ab" * 20]


def test_what_is_reached_in_the_last_moment_is_reached() -> None:
    waiting = Waiting("all", "done", every_s=2.0, timeout_s=5.0, now=0.0)
    assert waiting.is_over(True, 5.0)
    with pytest.raises(TimedOut, match="after 5 s"):
        waiting.is_over(False, 5.0)
