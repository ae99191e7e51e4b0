"""The screen over a fake session, without a socket and without a terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from textual import events
from textual.pilot import Pilot

from tests.daemon.ctl.printed import as_sent
from tests.daemon.fake_session import FakeSession
from torrentd.daemon.control_call import Call
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_verbs import Verbs
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, Failure
from torrentd.daemon.ctl.screen import watch
from torrentd.daemon.ctl.screen.link import NOTHING
from torrentd.daemon.ctl.screen.watch import Watch
from torrentd.daemon.status import Refused

SIZES = [(60, 16), (80, 24), (120, 40)]
PATIENCE_S = 10.0
Asked = tuple[str, dict[str, Json]]


class SessionDaemon:
    """What a daemon with this session answers. `asked` is what it was asked to do."""

    def __init__(self, session: FakeSession) -> None:
        self.path = "/run/fake.sock"
        self.session = session
        self.asked: list[Asked] = []
        self.answers: dict[str, Document] = {}  # to what a fake session does not know
        self.failure: Failure | None = None
        self.happenings: asyncio.Queue[Document] = asyncio.Queue()
        self._verbs = Verbs(session)

    async def ask(
        self, method: str, params: Mapping[str, Json] = NOTHING, payload: bytes = b""
    ) -> Document:
        self.asked.append((method, dict(params)))
        if self.failure is not None:
            raise self.failure
        if method in self.answers:
            return self.answers[method]
        try:
            call = Call(payload or None, lambda: False)
            answer = await self._verbs.run(method, dict(params), call)
        except (LineError, Refused) as error:
            raise Failure(REFUSED, str(error)) from None
        return as_sent(answer.document)

    async def events(self) -> AsyncIterator[Document]:
        while self.failure is None:
            yield await self.happenings.get()
        raise self.failure

    def goes_away(self) -> None:
        self.failure = Failure(NO_DAEMON, f"the daemon at {self.path} went away")

    def done(self, method: str) -> list[dict[str, Json]]:
        """With which params it was asked for that."""
        return [params for asked, params in self.asked if asked == method]


class Room:
    """A screen that runs."""

    def __init__(self, app: Watch, daemon: SessionDaemon, pilot: Pilot[None]) -> None:
        self.app = app
        self.daemon = daemon
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def paste(self, text: str) -> None:
        self.app.post_message(events.Paste(text))
        await self._pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)
        await self._pilot.pause()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    await self._pilot.pause(0.01)
        except TimeoutError:
            pytest.fail(f"never: {what}\n" + "\n".join(self.lines()))

    async def shows(self, text: str) -> None:
        await self.until(lambda: any(text in line for line in self.lines()), text)

    def lines(self) -> list[str]:
        """What is on the terminal."""
        size = self.app.size
        strips = self.app.screen._compositor.render_strips(size)
        return [strip.text for strip in strips]

    def line(self, text: str) -> str:
        """The first that has this text."""
        return next(line for line in self.lines() if text in line)


@asynccontextmanager
async def opened(
    session: FakeSession,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Room]:
    """Its first page, with what the session has."""
    monkeypatch.setattr(watch, "POLL_S", 0.02)
    monkeypatch.setattr(watch, "SOONEST_S", 0.01)
    daemon = SessionDaemon(session)
    app = Watch(daemon)
    async with app.run_test(size=size) as pilot:
        room = Room(app, daemon, pilot)
        await room.shows(", down ")
        yield room
