"""One connection to the daemon, without the connection: bytes to send, and what was received.

The blocking and the async client are this and a socket. One request at a time, answered by a line
with its id; before that line may come notifications of its method. Anything else, and a line that
does not end, is a BadAnswer: such a connection is out of step, and of no more use.
"""

import json
import select
import socket
from typing import TypeAlias

from torrentd.daemon.client.errors import BadAnswer, ConnectionLost, Refused, TimedOut
from torrentd.daemon.client.requests import AnyRequest
from torrentd.daemon.control_lines import Json, encode_request

LINE_BYTES_MAX = 256 * 1024 * 1024  # the status of 100,000 torrents has 80 MB
RECEIVE_BYTES = 256 * 1024

Document: TypeAlias = "dict[str, Json]"


class Message:
    """What the daemon tells, or its answer, which is the last of an exchange."""

    __slots__ = ("document", "is_last")

    def __init__(self, document: Document, is_last: bool) -> None:
        self.document = document
        self.is_last = is_last


class Conversation:
    """`path` is for the sentences of errors."""

    def __init__(self, path: str, line_bytes_max: int = LINE_BYTES_MAX) -> None:
        self._path = path
        self._line_bytes_max = line_bytes_max
        self._received = bytearray()
        self._searched = 0
        self._asked: str | None = None  # the method of the request under way
        self._id = 0

    @property
    def is_idle(self) -> bool:
        """All that was asked is answered, and nothing more was said."""
        return self._asked is None and not self._received

    def ask(self, request: AnyRequest) -> bytes:
        """The line to be sent."""
        self._id += 1
        self._asked = request.method
        return encode_request(request.method, request.params, self._id)

    def receive_data(self, data: bytes) -> None:
        """b"" where the daemon has closed."""
        if not data:
            raise self.lost()
        self._received += data

    def next_message(self) -> Message | None:
        """None until more is received. Raises Refused, BadAnswer."""
        end = self._received.find(b"\n", self._searched)
        if (len(self._received) if end < 0 else end) > self._line_bytes_max:
            raise self._bad(f"a line is longer than {self._line_bytes_max} bytes")
        if end < 0:
            self._searched = len(self._received)
            return None
        line = bytes(memoryview(self._received)[:end])
        del self._received[: end + 1]
        self._searched = 0
        fields = self._document(self._decode(line))
        return self._told(fields) if "method" in fields else self._end(fields)

    def lost(self) -> ConnectionLost:
        return ConnectionLost(f"the daemon at {self._path} went away")

    def late(self, limit_s: float | None) -> TimedOut:
        return TimedOut(f"the daemon at {self._path} has not answered for {limit_s or 0:g} s")

    def _told(self, fields: Document) -> Message:
        if fields["method"] != self._asked:
            raise self._bad("it tells of what was not asked")
        return Message(self._document(fields.get("params")), is_last=False)

    def _end(self, fields: Document) -> Message:
        """An error without an id is of the connection: there is no next request on it."""
        request_id, error = fields.get("id"), fields.get("error")
        if request_id != self._id and not (request_id is None and error is not None):
            raise self._bad("it is of another request")
        if error is not None:
            refused = self._refused(error)
            if request_id is not None:
                self._asked = None
            raise refused
        document = self._document(fields.get("result"))
        self._asked = None
        return Message(document, is_last=True)

    def _refused(self, error: Json) -> Refused:
        fields = self._document(error)
        code, sentence = fields.get("code"), fields.get("message")
        if not isinstance(code, int) or not isinstance(sentence, str):
            raise self._bad("its error has no code and message")
        return Refused(code, sentence)

    def _decode(self, line: bytes) -> Json:
        """The daemon is trusted to mean well, not to be of our version."""
        try:
            value: Json = json.loads(line)
        except (ValueError, RecursionError):
            raise self._bad("it is not JSON") from None
        return value

    def _document(self, value: Json) -> Document:
        if not isinstance(value, dict):
            raise self._bad("it is no object")
        return value

    def _bad(self, reason: str) -> BadAnswer:
        return BadAnswer(f"the daemon's answer: {reason}")


def is_quiet(sock: socket.socket) -> bool:
    """Whether nothing is to be read; the end of a daemon, or its word that it wants this place for
    others, would be."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)
