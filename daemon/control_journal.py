"""The verb of the journal on the control socket: what happened since a cursor, and what happens."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from torrentd.daemon.control_call import FOLLOW_SLICE_S, Answer, Call, Document, Run
from torrentd.daemon.control_params import Params
from torrentd.daemon.journal_file import Entry
from torrentd.daemon.status import Refused

FOLLOWERS_MAX = 16  # half of control_clients_max as shipped: they stay, and others come
EVENTS_MAX = 1000  # in one answer; `more` says that there are others


class JournalCommands(Protocol):
    """The journal, for those who follow it."""

    newest: int

    def cursor(self, number: int) -> str: ...
    def position(self, cursor: str) -> int | None: ...
    async def after(self, number: int, within_s: float) -> list[Entry]: ...


class Commands(Protocol):
    @property
    def journal(self) -> JournalCommands: ...


class JournalVerbs:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._following = 0
        self.by_name: dict[str, Run] = {"events": self._events}

    async def _events(self, params: Params, call: Call) -> Answer:
        """From the oldest on, or from the cursor `since`; with `follow`, each is told as it comes,
        and without `since` only those that come."""
        since, follow = params.text("since"), params.flag("follow")
        params.refuse_unknown()
        journal = self._commands.journal
        reader = _Reader(journal, since, journal.newest if follow else 0)
        if follow:
            await self._follow(reader, call)
        events: list[Document] = []
        newest = journal.newest
        while not follow and reader.position < newest and len(events) < EVENTS_MAX:
            events += await reader.next(0.0)
        more = reader.position < journal.newest
        return Answer({"events": events, "cursor": journal.cursor(reader.position), "more": more})

    async def _follow(self, reader: "_Reader", call: Call) -> None:
        """Until he hangs up; there is room for others all the while."""
        if self._following >= FOLLOWERS_MAX:
            raise Refused(f"{FOLLOWERS_MAX} clients follow what happens already")
        self._following += 1
        try:
            while not call.hung_up():
                for document in await reader.next(FOLLOW_SLICE_S):
                    await call.tell(document)
        finally:
            self._following -= 1


class _Reader:
    """One who reads on from a position, and is told of what is no longer there."""

    def __init__(self, journal: JournalCommands, since: str | None, start: int) -> None:
        self._journal = journal
        self._lost = False  # the cursor is of another journal: nobody knows what was missed
        self._anew = since is None or since == "0"
        self.position = start if since is None else 0
        if since is not None and since != "0":
            position = journal.position(since)
            self._lost = position is None
            self.position = position or 0

    async def next(self, within_s: float) -> list[Document]:
        """What comes, with `missed` between where something is gone."""
        entries = await self._journal.after(self.position, within_s)
        documents = list(self._told(entries))
        if not entries and not within_s:
            self.position = self._journal.newest  # the file lost what it had
        return documents

    def _told(self, entries: Sequence[Entry]) -> Iterator[Document]:
        for number, event in entries:
            if self._lost:
                yield {"event": "missed", "count": None}
            elif number > self.position + 1 and not (self._anew and not self.position):
                yield {"event": "missed", "count": number - self.position - 1}
            self._lost = False
            self.position = number
            yield event
