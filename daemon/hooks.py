"""Hooks: commands of the user's, run for events of the journal, each at least once.

Who follows the journal keeps the cursor up to which every command has ended; after a kill or a
restart it goes on there. Commands for one torrent run in the order of its events, those of others
beside each other, a few at once. One that cannot be started, or that something outside cut short,
is tried again for a quarter of an hour, and once the configuration changes. One that ends by itself
has been run, whatever it says: of a failure the journal says `hook-failed`, the log why, and what
it printed last.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from torrentd.config.entries import Hook
from torrentd.daemon.control_journal import JournalCommands
from torrentd.daemon.control_lines import Json
from torrentd.daemon.hook_command import Ended, environment, run_command
from torrentd.daemon.journal import Event
from torrentd.daemon.journal_file import Entry
from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks

AT_ONCE_MAX = 4
UNFINISHED_MAX = 64  # events; beyond it the journal is not read on
FOLLOW_S = 3600.0
AGAIN_S = (10.0, 60.0, 240.0, 600.0)  # until one that was cut is tried again; then it has failed

Load = Callable[[], Awaitable[str | None]]
Save = Callable[[str | None], Awaitable[str | None]]

log = get_logger("hooks")


class Journal(JournalCommands, Protocol):
    def tell(self, event: str, **fields: Json) -> Event: ...


class Hooks:
    """`load` and `save` keep a cursor, None for none; `save` returns why it could not."""

    def __init__(
        self,
        hooks: Sequence[Hook],
        journal: Journal,
        load: Load,
        save: Save,
        tasks: Tasks,
        environ: Mapping[str, str],
    ) -> None:
        self._unkept: str | None = None  # why the cursor cannot be kept
        self._cut: dict[Hook, str] = {}  # those that wait to be tried again, and why
        self._hooks = tuple(hooks)
        self._journal = journal
        self._load = load
        self._save = save
        self._tasks = tasks
        self._environ = environ
        self._position = 0
        self._unfinished: dict[int, None] = {}  # numbers of events, ascending
        self._of_torrent: dict[str, deque[Entry]] = {}  # each one's, the first under way
        self._free = asyncio.Semaphore(AT_ONCE_MAX)
        self._finished = asyncio.Event()
        self._changed = asyncio.Event()  # the next change of the configuration sets it

    @property
    def problem(self) -> str | None:
        """What people should know of."""
        cut = (f"hook {hook.command[0]} {cause}" for hook, cause in self._cut.items())
        return self._unkept or next(cut, None)

    def change(self, hooks: Sequence[Hook]) -> None:
        """Those of the configuration now; what is under way goes on."""
        if not self._hooks:
            self._position = self._journal.newest
        self._hooks = tuple(hooks)
        self._finished.set()
        self._changed.set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """From the cursor that was kept; without one, only what comes."""
        cursor = await self._load()
        self._position = self._journal.newest
        if cursor is not None:
            self._position = self._journal.position(cursor) or 0
        self._tasks.spawn(self._keep(), "the hooks' cursor")
        while True:
            for entry in await self._journal.after(self._position, FOLLOW_S):
                while len(self._unfinished) >= UNFINISHED_MAX:
                    self._finished.clear()
                    await self._finished.wait()
                self._take(entry)
            self._finished.set()

    def _take(self, entry: Entry) -> None:
        if entry.number <= self._position:
            return
        if self._position and entry.number > self._position + 1:
            log.warning("events gone before hooks", count=entry.number - self._position - 1)
        self._position = entry.number
        if not self._chosen(entry.event):
            return
        self._unfinished[entry.number] = None
        infohash = str(entry.event.get("infohash", ""))
        waiting = self._of_torrent.setdefault(infohash, deque())
        waiting.append(entry)
        if len(waiting) == 1:
            self._tasks.spawn(self._serve(infohash, waiting), f"hooks of {infohash}")

    def _chosen(self, event: Event) -> list[Hook]:
        return [hook for hook in self._hooks if event["event"] in hook.on]

    async def _serve(self, infohash: str, waiting: deque[Entry]) -> None:
        """One torrent's events, in order."""
        while waiting:
            entry = waiting[0]
            await self._serve_event(entry.event)
            waiting.popleft()
            del self._unfinished[entry.number]
            self._finished.set()
        del self._of_torrent[infohash]

    async def _serve_event(self, event: Event) -> None:
        """Each hook for it, and those that were cut again."""
        ended: dict[Hook, None] = {}
        for again_s in (*AGAIN_S, None):
            for hook in self._chosen(event):
                if hook not in ended and await self._run(hook, event, again_s):
                    ended[hook] = None
            if again_s is None or all(hook in ended for hook in self._chosen(event)):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(again_s):
                    await self._changed.wait()

    async def _run(self, hook: Hook, event: Event, again_s: float | None) -> bool:
        """Has it ended? None: it is not tried again."""
        async with self._free:
            environ = environment(event, self._environ)
            ended = await run_command(hook.command, environ, hook.timeout_s)
        self._cut.pop(hook, None)
        if not ended.cut or again_s is None:
            self._ended(hook, event, ended)
            return True
        self._cut[hook] = str(ended.problem)
        log.warning("hook waits", command=hook.command[0], cause=ended.problem, again_s=again_s)
        return False

    def _ended(self, hook: Hook, event: Event, ended: Ended) -> None:
        command, of = hook.command[0], str(event["event"])
        if ended.problem is None:
            log.info("hook ended", command=command, event_kind=of, output=ended.output or None)
            return
        log.error(
            "hook failed",
            command=command,
            event_kind=of,
            cause=ended.problem,
            output=ended.output or None,
        )
        fields = {name: event[name] for name in ("infohash", "name") if name in event}
        self._journal.tell("hook-failed", **fields, hook=command, of=of, cause=ended.problem)

    async def _keep(self) -> None:
        """The cursor, whenever it gets on; none while there is no hook, which begins with now."""
        kept: str | None = ""
        while True:
            done = next(iter(self._unfinished), self._position + 1) - 1
            cursor = self._journal.cursor(done) if self._hooks else None
            if cursor != kept:
                kept = cursor
                self._unkept = await self._save(cursor)
                continue
            self._finished.clear()
            await self._finished.wait()
