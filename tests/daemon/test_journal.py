"""The journal: told once it is on the disk, in order, and nothing that anybody follows is lost."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.daemon.session_room import run, supervised, until
from torrentd.daemon import journal as journal_module
from torrentd.daemon import journal_file
from torrentd.daemon.control_lines import Json
from torrentd.daemon.journal import TAIL_MAX, TEXT_CHARS_MAX, WAITING_MAX, Journal
from torrentd.daemon.journal_file import Entry, JournalFile
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers


class FailingFile(JournalFile):
    """A disk that a test fills and frees."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.full = False
        self.appends: list[int] = []

    def append(self, events: Sequence[dict[str, Json]]) -> None:
        self.appends.append(len(events))
        if self.full:
            raise OSError(28, "No space left on device")
        super().append(events)


def make(path: Path, tasks: Tasks) -> tuple[Journal, FailingFile]:
    file = FailingFile(path / "journal")
    file.open()
    return Journal(file, Workers("test", 2, tasks), lambda: 1_750_000_000.25), file


def kinds(entries: list[Entry]) -> list[Json]:
    return [entry.event["event"] for entry in entries]


def test_who_follows_is_told_what_is_on_the_disk(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with supervised() as tasks:
            journal, file = make(tmp_path, tasks)
            following = asyncio.ensure_future(journal.after(0, 20))
            journal.tell("added", infohash="ab" * 20, name="a\x1b[2J")
            assert journal.newest == 0
            (entry,) = await following
            assert entry.event == {
                "cursor": f"{file.id}-1",
                "at": 1_750_000_000.25,
                "event": "added",
                "infohash": "ab" * 20,
                "name": "a\x1b[2J",
            }
            assert journal.newest == 1 and file.read(0, 9) == [entry]
            assert b"\x1b" not in (tmp_path / "journal").read_bytes()
            assert await journal.after(1, 0.01) == []

    run(scenario())


def test_what_is_told_while_the_disk_works_goes_together(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with supervised() as tasks:
            journal, file = make(tmp_path, tasks)
            for _ in range(100):
                journal.tell("done")
            await journal.flush()
            assert file.appends == [1, 99] and file.next == 101

    run(scenario())


def test_a_cursor_names_a_position_in_this_journal_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with supervised() as tasks:
            journal, _ = make(tmp_path, tasks)
            journal.tell("started")
            await journal.flush()
            assert journal.position(journal.cursor(1)) == 1
            for other in (journal.cursor(2), "00000000-1", "x", "", journal.cursor(0) + "x"):
                assert journal.position(other) is None, other
            assert journal.position(journal.cursor(1)[:-1] + "9" * 5000) is None

    run(scenario())


def test_who_is_far_behind_reads_from_the_file_and_misses_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with supervised() as tasks:
            journal, _ = make(tmp_path, tasks)
            count = 3 * TAIL_MAX
            for number in range(count):
                journal.tell("done", number=number)
                if number % 500 == 0:
                    await journal.flush()
            await journal.flush()
            position, seen = 0, []
            while position < count:
                entries = await journal.after(position, 0)
                seen += [entry.number for entry in entries]
                position = entries[-1].number
            assert seen == list(range(1, count + 1))

    run(scenario())


def test_what_the_file_no_longer_has_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "EVENTS_BYTES_MAX", 400)
    monkeypatch.setattr(journal_module, "TAIL_MAX", 5)

    async def scenario() -> None:
        async with supervised() as tasks:
            journal, file = make(tmp_path, tasks)
            for _ in range(100):
                journal.tell("done")
                await journal.flush()
            first, *_ = await journal.after(3, 0)
            assert first.number == file.read(0, 1)[0].number > 80

    run(scenario())


def test_a_full_disk_is_waited_for_and_loses_the_oldest_at_last(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with supervised() as tasks:
            journal, file = make(tmp_path, tasks)
            file.full = True
            journal.tell("added")
            await until(lambda: journal.problem is not None)
            assert journal.problem == "the journal cannot be written: No space left on device"
            for _ in range(WAITING_MAX + 10):
                journal.tell("done")
            assert journal.newest == 0 and len(file.appends) == 1, "it is not tried every time"
            file.full = False
            await journal.flush()
            first = (await journal.after(0, 0))[0]
            assert (first.number, journal.newest) == (12, WAITING_MAX + 11)

    run(scenario())


def test_a_text_of_a_stranger_is_cut(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with supervised() as tasks:
            journal, _ = make(tmp_path, tasks)
            event = journal.tell("error", cause="x" * 10**6)
            assert event["cause"] == "x" * TEXT_CHARS_MAX
            await journal.flush()

    run(scenario())
