"""The daemon as the screen asks it: never blocking, one connection a question.

A connection that is kept could be taken back between two questions, since the daemon has only so
many; a new one costs it less than a millisecond.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from torrentd.daemon.control_lines import (
    AnswerLine,
    Json,
    LineError,
    NotificationLine,
    decode_answer,
    encode_request,
)
from torrentd.daemon.ctl.client import no_daemon_sentence
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, TIMED_OUT, Failure

ANSWER_S = 60.0
LINE_BYTES_MAX = 256 * 1024 * 1024  # the status of 100,000 torrents has 80 MB
NOTHING: Mapping[str, Json] = {}


class Daemon(Protocol):
    """What the screen needs. Raises Failure and nothing else."""

    path: str

    async def ask(
        self, method: str, params: Mapping[str, Json] = NOTHING, payload: bytes = b""
    ) -> Document: ...

    def events(self) -> AsyncIterator[Document]:
        """What happens from now on, until the daemon goes away."""


class Link:
    """The daemon at the socket `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    async def ask(
        self, method: str, params: Mapping[str, Json] = NOTHING, payload: bytes = b""
    ) -> Document:
        async with self._asked(method, params, payload) as reader:
            try:
                async with asyncio.timeout(ANSWER_S):
                    while True:
                        answer = await self._read(reader)
                        if isinstance(answer, AnswerLine):
                            return _document(answer)
            except TimeoutError:
                sentence = f"the daemon has not answered {method} for {ANSWER_S:g} s"
                raise Failure(TIMED_OUT, sentence) from None

    async def events(self) -> AsyncIterator[Document]:
        async with self._asked("events", {"follow": True}, b"") as reader:
            while isinstance(answer := await self._read(reader), NotificationLine):
                yield Document(answer.params)
            _document(answer)

    @asynccontextmanager
    async def _asked(
        self, method: str, params: Mapping[str, Json], payload: bytes
    ) -> AsyncIterator[asyncio.StreamReader]:
        try:
            reader, writer = await asyncio.open_unix_connection(self.path, limit=LINE_BYTES_MAX)
        except OSError as error:
            raise Failure(NO_DAEMON, no_daemon_sentence(self.path, error)) from None
        try:
            writer.write(encode_request(method, params, 1) + payload)
            yield reader
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> AnswerLine | NotificationLine:
        try:
            line = await reader.readuntil(b"\n")
            return decode_answer(line)
        except (OSError, asyncio.IncompleteReadError):
            raise Failure(NO_DAEMON, f"the daemon at {self.path} went away") from None
        except (LineError, asyncio.LimitOverrunError):
            raise Failure(REFUSED, "the daemon's answer is none") from None


def _document(answer: AnswerLine) -> Document:
    if answer.error is not None:
        raise Failure(REFUSED, answer.error[1])
    return Document(answer.result)
