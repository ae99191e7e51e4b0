"""The daemon as the screen asks it: never blocking, one connection a question.

A connection that is kept could be taken back between two questions, since the daemon has only so
many; a new one costs it less than a millisecond.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from torrentd.daemon.client.aio import AsyncClient
from torrentd.daemon.client.requests import NOTHING as NOTHING
from torrentd.daemon.client.requests import Request, StreamRequest
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import failures
from torrentd.daemon.ctl.document import Document

ANSWER_S = 60.0


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
        request: Request[dict[str, Json]] = Request(method, params, payload, ANSWER_S)
        with failures():
            async with AsyncClient(self.path) as daemon:
                return Document(await daemon.call(request))

    async def events(self) -> AsyncIterator[Document]:
        request: StreamRequest[dict[str, Json], object]
        request = StreamRequest("events", {"follow": True}, answer_s=None)
        with failures():
            async with AsyncClient(self.path) as daemon, daemon.stream(request) as stream:
                async for told in stream:
                    yield Document(told)
