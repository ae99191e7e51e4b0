"""Hooks: each event at least once, in order for one torrent, a few at once, over restarts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, running, seed, supervised, until
from tests.wire.torrents import single_file
from torrentd.config.entries import Hook, HookEvent
from torrentd.daemon import hooks
from torrentd.daemon.hooks import AT_ONCE_MAX, UNFINISHED_MAX, Hooks
from torrentd.daemon.journal import Journal
from torrentd.daemon.journal_file import JournalFile
from torrentd.daemon.session import Session
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers

ENVIRON = {"PATH": "/usr/bin:/bin"}
NO_SUCH = "No such file or directory"


def hook(text: str, *on: HookEvent, timeout_s: int = 10) -> Hook:
    return Hook(on=on, command=("/bin/sh", "-c", text), timeout_s=timeout_s)


class Room:
    """A journal in a folder, and the cursor that was kept."""

    def __init__(self, folder: Path, tasks: Tasks, *hooks: Hook) -> None:
        file = JournalFile(folder / "journal")
        file.open()
        self.folder = folder
        self.kept = folder / "kept"
        self.journal = Journal(file, Workers("test", 2, tasks))
        self.hooks = Hooks(hooks, self.journal, self.load, self.save, tasks, ENVIRON)
        tasks.spawn(self.hooks.run(), "hooks")

    async def load(self) -> str | None:
        return self.kept.read_text() if self.kept.exists() else None

    async def save(self, cursor: str | None) -> str | None:
        if cursor is None:
            self.kept.unlink(missing_ok=True)
        else:
            self.kept.write_text(cursor)
        return None

    def lines(self, name: str = "out") -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def all_done(self) -> bool:
        return self.kept.exists() and self.kept.read_text() == self.journal.cursor(
            self.journal.newest
        )


@asynccontextmanager
async def room(folder: Path, *hooks: Hook) -> AsyncIterator[Room]:
    async with supervised() as tasks:
        made = Room(folder, tasks, *hooks)
        await until(lambda: bool(made.kept.exists()) == bool(hooks))
        yield made
        await made.journal.flush()


def test_only_what_it_is_for_with_all_of_the_event(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = f"echo $TORRENTD_EVENT $TORRENTD_NAME $TORRENTD_SIZE_BYTES >>{tmp_path}/out"
        async with room(tmp_path, hook(text, "done", "error")) as made:
            made.journal.tell("added", infohash="aa", name="one")
            made.journal.tell("done", infohash="aa", name="one", size_bytes=5)
            await until(lambda: len(made.lines()) == 1)
            await made.journal.flush()
            await until(made.all_done)
            assert made.lines() == ["done one 5"]

    run(scenario())


def test_what_was_not_ended_is_run_again_at_the_next_start(tmp_path: Path) -> None:
    """Killed amid the first of three: all three are run afterwards."""

    async def scenario() -> None:
        text = f"echo $TORRENTD_NAME >>{tmp_path}/out; [ -e {tmp_path}/go ] || sleep 600"
        async with room(tmp_path, hook(text, "done", timeout_s=900)) as made:
            for number in range(3):
                made.journal.tell("done", infohash="aa", name=str(number))
            await until(lambda: made.lines() == ["0"])
        (tmp_path / "go").touch()
        async with room(tmp_path, hook(text, "done")) as made:
            await until(lambda: len(made.lines()) == 4)
            assert made.lines() == ["0", "0", "1", "2"]
            await until(made.all_done)
        async with room(tmp_path, hook(text, "done")) as made:
            made.journal.tell("done", infohash="aa", name="3")
            await until(lambda: len(made.lines()) == 5)
            assert made.lines()[-1] == "3", "and what had ended is not"

    run(scenario())


def test_an_event_that_ended_late_holds_back_the_cursor(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = (
            f"echo $TORRENTD_NAME >>{tmp_path}/out; "
            f"[ $TORRENTD_NAME != slow ] || until [ -e {tmp_path}/go ]; do sleep 0.05; done"
        )
        async with room(tmp_path, hook(text, "done")) as made:
            made.journal.tell("done", infohash="aa", name="slow")
            await until(lambda: made.lines() == ["slow"])
            before = made.kept.read_text()
            made.journal.tell("done", infohash="bb", name="fast")
            await until(lambda: len(made.lines()) == 2)
            assert made.kept.read_text() == before
            (tmp_path / "go").touch()
            await until(made.all_done)

    run(scenario())


def test_of_one_torrent_in_order_of_many_beside_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = (
            f"echo + $TORRENTD_INFOHASH $TORRENTD_NAME >>{tmp_path}/out; sleep 0.02; "
            f"echo - $TORRENTD_INFOHASH $TORRENTD_NAME >>{tmp_path}/out"
        )
        async with room(tmp_path, hook(text, "done")) as made:
            for number in range(6):
                for infohash in "abcdef":
                    made.journal.tell("done", infohash=infohash, name=str(number))
            await until(lambda: len(made.lines()) == 72)
            under_way, most = 0, 0
            for line in made.lines():
                under_way += 1 if line[0] == "+" else -1
                most = max(most, under_way)
            assert 1 < most <= AT_ONCE_MAX
            for infohash in "abcdef":
                mine = [line for line in made.lines() if line.split()[1] == infohash]
                assert mine == [f"{s} {infohash} {n}" for n in range(6) for s in "+-"]

    run(scenario())


def test_a_long_backlog_is_not_taken_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo >>{tmp_path}/out"
        async with room(tmp_path, hook(text, "done")) as made:
            for number in range(UNFINISHED_MAX + 20):
                made.journal.tell("done", infohash=str(number))
            await made.journal.flush()
            await until(lambda: len(made.hooks._unfinished) == UNFINISHED_MAX)
            assert made.hooks._position <= UNFINISHED_MAX
            (tmp_path / "go").touch()
            await until(lambda: len(made.lines()) == UNFINISHED_MAX + 20)

    run(scenario())


def test_one_that_fails_is_told_in_the_journal_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "AGAIN_S", (0.01,))

    async def scenario() -> None:
        async with room(
            tmp_path,
            Hook(on=("done",), command=("/no/such",)),
            hook(f"echo >>{tmp_path}/out; exit 5", "done"),
        ) as made:
            made.journal.tell("done", infohash="aa", name="one")
            await until(lambda: made.journal.newest == 3)
            entries = [entry.event for entry in await made.journal.after(1, 0)]
            assert [(e["event"], e["hook"], e["cause"], e["of"], e["name"]) for e in entries] == [
                ("hook-failed", "/bin/sh", "ended with 5", "done", "one"),
                (
                    "hook-failed",
                    "/no/such",
                    f"cannot be started: {NO_SUCH}",
                    "done",
                    "one",
                ),
            ]
            await until(made.all_done)
            assert len(made.lines()) == 1 and made.hooks.problem is None

    run(scenario())


def test_one_that_cannot_be_started_is_tried_again_and_told_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "AGAIN_S", (0.02,) * 1000)
    command = tmp_path / "later.sh"

    async def scenario() -> None:
        async with room(tmp_path, Hook(on=("done",), command=(str(command),))) as made:
            made.journal.tell("done", infohash="aa", name="one")
            await until(lambda: made.hooks.problem is not None)
            assert made.hooks.problem == f"hook {command} cannot be started: {NO_SUCH}"
            command.write_text(f"#!/bin/sh\necho $TORRENTD_NAME >>{tmp_path}/out\n")
            command.chmod(0o700)
            await until(lambda: made.lines() == ["one"])
            await until(made.all_done)
            assert not made.hooks._cut and made.journal.newest == 1

    run(scenario())


def test_a_changed_configuration_is_tried_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        good = hook(f"echo $TORRENTD_NAME >>{tmp_path}/out", "done")
        async with room(tmp_path, good, Hook(on=("done",), command=("/no/such",))) as made:
            made.journal.tell("done", infohash="aa", name="one")
            await until(lambda: made.hooks.problem is not None)
            mended = hook(f"echo mended >>{tmp_path}/out", "done")
            made.hooks.change([good, mended])
            await until(lambda: made.lines() == ["one", "mended"])
            await until(made.all_done)

    run(scenario())


@pytest.mark.parametrize(("name", "runs"), [("TERM", 2), ("KILL", 2), ("SEGV", 1)])
def test_one_that_something_outside_ended_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, runs: int
) -> None:
    """The whole service is stopped, and the hook a moment before the daemon."""
    monkeypatch.setattr(hooks, "AGAIN_S", (0.01,))

    async def scenario() -> None:
        text = f"echo >>{tmp_path}/out; [ $(wc -l <{tmp_path}/out) = 2 ] || kill -{name} $$"
        async with room(tmp_path, hook(text, "done")) as made:
            made.journal.tell("done", infohash="aa")
            await until(lambda: len(made.lines()) == runs)
            await made.journal.flush()
            await until(made.all_done)
            assert len(made.lines()) == runs

    run(scenario())


def test_what_happened_before_there_was_a_hook_is_not_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        text = f"echo $TORRENTD_NAME >>{tmp_path}/out"
        async with room(tmp_path) as made:
            made.journal.tell("done", infohash="aa", name="before")
            await made.journal.flush()
            made.hooks.change([hook(text, "done")])
            await until(made.all_done)
            made.journal.tell("done", infohash="aa", name="after")
            await until(lambda: made.lines() == ["after"])
            made.hooks.change([])
            await until(lambda: not made.kept.exists())

    run(scenario())


def test_the_cursor_of_another_journal_begins_anew(tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "kept").write_text("deadbeef-900")
        async with supervised() as tasks:
            made = Room(tmp_path, tasks, hook(f"echo >>{tmp_path}/out", "done"))
            made.journal.tell("done", infohash="aa")
            await until(lambda: len(made.lines()) == 1)

    run(scenario())


def test_a_session_runs_them_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    torrent = single_file(b"x" * 50_000, 16384, b"small.bin")

    async def scenario() -> None:
        text = f"sleep 0.2; echo $TORRENTD_EVENT $TORRENTD_NAME $TORRENTD_DIR >>{tmp_path}/out"
        config = make_config(tmp_path, new_host())
        config = config.model_copy(update={"hooks": (hook(text, "done"),)})
        async with running(config) as session:
            await seed(session, torrent, tmp_path / "source")
            await session.journal.flush()
        async with running(config) as session:
            await until((tmp_path / "out").exists)
            assert await _kept(session) is not None
        lines = (tmp_path / "out").read_text().splitlines()
        assert lines == [f"done small.bin {tmp_path}/source"]

    async def _kept(session: Session) -> str | None:
        await asyncio.sleep(0)
        return session._state.load_hooks_cursor()

    run(scenario())
