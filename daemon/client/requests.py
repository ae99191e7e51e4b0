"""What is asked of the daemon, as a value: either client can send it.

Plain classes: these are made before every `torrentctl`, and nobody waits for them.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

from torrentd.daemon.control_lines import Json

R = TypeVar("R", covariant=True)
T = TypeVar("T", covariant=True)

ANSWER_S = 60.0  # a daemon that is alive answers in milliseconds
SEARCH_S = 90.0  # it gives up a search of the DHT before
NOTHING: Mapping[str, Json] = {}


class AnyRequest:
    """`payload` travels right after the line: the bytes of a torrent file. `answer_s` is how long
    the answer may take, or whatever is told before it; None: as long as it takes."""

    __slots__ = ("answer_s", "method", "params", "payload")

    def __init__(
        self,
        method: str,
        params: Mapping[str, Json] = NOTHING,
        payload: bytes = b"",
        answer_s: float | None = ANSWER_S,
    ) -> None:
        self.method = method
        self.params = params
        self.payload = payload
        self.answer_s = answer_s


class Request(AnyRequest, Generic[R]):
    """One request, whose answer is a document `R`."""

    __slots__ = ()


class StreamRequest(AnyRequest, Generic[T, R]):
    """One whose answer comes after any number of documents `T`."""

    __slots__ = ()


def answered(request: Request[R] | StreamRequest[object, R], document: dict[str, Json]) -> R:
    """The document of its answer. Its type is the daemon's word, which the tests of the schemas
    hold it to; a daemon of a later release may send fields that are not in it."""
    return document  # type: ignore[return-value]  # the daemon's word, as above


def told(request: StreamRequest[T, object], document: dict[str, Json]) -> T:
    """Likewise a document that comes before the answer."""
    return document  # type: ignore[return-value]  # the daemon's word, as above
