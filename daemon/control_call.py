"""One request on its way through a verb, and what comes of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torrentd.daemon.control_params import Params

Document: TypeAlias = Mapping[str, object]


@dataclass(slots=True)
class Answer:
    """`then` is called once the document is on its way."""

    document: Document
    then: Callable[[], None] | None = None


@dataclass(slots=True)
class Call:
    """One request beyond its params: raw torrent bytes, and whether the caller hung up."""

    metainfo: bytes | None
    hung_up: Callable[[], bool]


Run: TypeAlias = Callable[[Params, Call], Awaitable[Answer]]
