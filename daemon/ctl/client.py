"""The daemon as torrentctl speaks to it: the client's documents made harmless, its errors ends."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torrentd.daemon.client.calling import Caller
from torrentd.daemon.client.errors import (
    BadAnswer,
    ClientError,
    ConnectionLost,
    NoDaemon,
    Refused,
    TimedOut,
)
from torrentd.daemon.client.places import SYSTEM_SOCKET, socket_path
from torrentd.daemon.client.requests import ANSWER_S, NOTHING, Request, StreamRequest
from torrentd.daemon.control_lines import METHOD_NOT_FOUND, Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, TIMED_OUT, Failure

__all__ = ["ANSWER_S", "SYSTEM_SOCKET", "Client", "socket_path"]


class Client:
    """Connects on the first call. Raises Failure and nothing else."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._daemon = Caller(path)

    def call(
        self,
        method: str,
        params: Mapping[str, Json] = NOTHING,
        payload: bytes = b"",
        answer_s: float | None = ANSWER_S,
        on_told: Callable[[Document], None] | None = None,
    ) -> Document:
        """The document of one verb; `payload` travels right after the line. `on_told` hears what
        the daemon tells before it, each within `answer_s` of the last; None: whenever it comes."""
        if on_told is not None:
            return self._listen(StreamRequest(method, params, payload, answer_s), on_told)
        return self.ask(Request(method, params, payload, answer_s))

    def ask(self, request: Request[object]) -> Document:
        """The document of a request that is made already."""
        plain: Request[dict[str, Json]]
        plain = Request(request.method, request.params, request.payload, request.answer_s)
        with failures():
            return Document(self._daemon.call(plain))

    def _listen(
        self,
        request: StreamRequest[dict[str, Json], dict[str, Json]],
        on_told: Callable[[Document], None],
    ) -> Document:
        """What the listener raises is his."""
        with failures():
            stream = self._daemon.stream(request)
        with stream:
            while True:
                with failures():
                    told = next(stream, None)
                if told is None:
                    return Document(stream.result)
                on_told(Document(told))

    def wait_for_end(self, limit_s: float) -> bool:
        """Whether the daemon closes its end in time, as it does when it stops."""
        with failures():
            return self._daemon.wait_for_end(limit_s)

    def close(self) -> None:
        self._daemon.close()


@contextmanager
def failures() -> Iterator[None]:
    """The client's errors as the ends of a verb."""
    try:
        yield
    except ClientError as error:
        raise _failure(error) from None


def _failure(error: ClientError) -> Failure:
    match error:
        case NoDaemon() | ConnectionLost():
            return Failure(NO_DAEMON, error.sentence)
        case TimedOut():
            return Failure(TIMED_OUT, error.sentence)
        case Refused(code=code) if code == METHOD_NOT_FOUND:
            return Failure(REFUSED, f"{error.sentence}; the daemon is older than this torrentctl")
        case Refused() | BadAnswer() | _:
            return Failure(REFUSED, error.sentence)
