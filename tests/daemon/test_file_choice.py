"""Which files are meant: by numbers, by names, before and after they are known."""

import pytest

from torrentd.daemon.file_choice import (
    FileChoice,
    Selection,
    choose,
    choose_unseen,
    files_of,
    numbers_of,
)
from torrentd.daemon.status import Refused
from torrentd.wire.store.options import DEFAULTS, TorrentOptions

NAMES = ["dir/a.mkv", "dir/sub/a.txt", "", "dir/sub/b [x].mkv", "dir/12"]


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("0", [0]),
        ("0,3-4", [0, 3, 4]),
        ("*.mkv", [0, 3]),
        ("a.*", [0, 1]),
        ("sub/*", [1, 3]),
        ("dir/*", [0, 1, 3, 4]),
        ("dir/12", [4]),
        ("b [[]x].mkv", [3]),
        ("*", [0, 1, 3, 4]),
    ],
)
def test_numbers_and_patterns(text: str, files: list[int]) -> None:
    assert files_of([text], NAMES) == files


@pytest.mark.parametrize("text", ["5", "0-5", "3-2", "0-9999999", "*.avi", "MKV", "/etc/passwd"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        files_of([text], NAMES)


def test_a_range_names_its_numbers() -> None:
    assert list(numbers_of("7,0-2")) == [7, 0, 1, 2]


@pytest.mark.parametrize(
    ("choice", "before", "after"),
    [
        (FileChoice(select=["*.mkv"]), None, (0, 3)),
        (FileChoice(select=["*.mkv"], also=["1"]), (4,), (0, 1, 3)),
        (FileChoice(also=["1"]), (4,), (1, 4)),
        (FileChoice(skip=["*.mkv"]), None, (1, 2, 4)),
        (FileChoice(skip=["*"]), None, (2,)),
        (FileChoice(also=["*"]), (4,), None),
        (FileChoice(select=["0-4"]), (4,), None),
        (FileChoice(high=["1"]), (4,), (4,)),
    ],
)
def test_what_is_wanted_then(choice: FileChoice, before: Selection, after: Selection) -> None:
    assert choose(choice, before, DEFAULTS, NAMES)[0] == after


def test_a_priority_stays_until_another_is_said() -> None:
    before = TorrentOptions(high=(0, 1), low=(3,), labels=("kept",), patterns=("x",))
    choice = FileChoice(high=["3"], normal=["0"], low=["4"], sequential=True)
    _, after = choose(choice, None, before, NAMES)
    assert after == TorrentOptions(high=(1, 3), low=(4,), labels=("kept",), sequential=True)
    assert choose(FileChoice(), None, after, NAMES) == (None, after)
    with pytest.raises(Refused, match="two priorities"):
        choose(FileChoice(high=["*"], low=["1"]), None, before, NAMES)


class TestBeforeTheNamesAreKnown:
    def test_numbers_count_at_once_and_patterns_wait(self) -> None:
        numbers = FileChoice(select=["2", "0-1"], sequential=True)
        assert choose_unseen(numbers, None, DEFAULTS) == (
            (0, 1, 2),
            TorrentOptions(sequential=True),
        )
        waiting = (None, TorrentOptions(patterns=("2", "*.mkv")))
        assert choose_unseen(FileChoice(select=["2", "*.mkv"]), (1,), DEFAULTS) == waiting
        assert choose_unseen(FileChoice(sequential=False), (1,), waiting[1]) == ((1,), waiting[1])

    @pytest.mark.parametrize(
        "choice", [FileChoice(also=["1"]), FileChoice(high=["1"]), FileChoice(select=["x"] * 101)]
    )
    def test_what_needs_them_is_refused(self, choice: FileChoice) -> None:
        with pytest.raises(Refused):
            choose_unseen(choice, None, DEFAULTS)
