"""Something at a socket that is no good daemon: what it says to each request is a script."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from torrentd.daemon.client.errors import (
    BadAnswer,
    ClientError,
    ConnectionLost,
    Refused,
    TimedOut,
)
from torrentd.daemon.control_lines import encode_error, encode_notification, encode_result

Behaviour = Callable[[socket.socket], None]
PATIENCE_S = 120.0  # machines are busy; nothing waits for it but what has failed


def answer(request_id: int | None, **fields: object) -> bytes:
    return b"".join(encode_result(request_id, fields))


# To the first request, `version` with the id 1: what is said, and what the client makes of it.
# Then the connection is closed, unless the error is TimedOut.
LIES: dict[str, tuple[bytes, type[ClientError]]] = {
    "nothing": (b"", ConnectionLost),
    "half a line": (answer(1, version="1")[:-9], ConnectionLost),
    "half a line, and silence": (answer(1, version="1")[:-9], TimedOut),
    "notifications, and silence": (encode_notification("version", {}) * 3, TimedOut),
    "a line of another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n", BadAnswer),
    "no UTF-8": (b"\xff\xfe\n", BadAnswer),
    "an empty line": (b"\n" + answer(1), BadAnswer),
    "a list": (b"[]\n", BadAnswer),
    "deep nesting": (b"[" * 100_000 + b"\n", BadAnswer),
    "neither result nor error": (b'{"jsonrpc":"2.0","id":1}\n', BadAnswer),
    "a result that is no object": (b'{"id":1,"result":[1]}\n', BadAnswer),
    "an error without a sentence": (b'{"id":1,"error":{"code":1}}\n', BadAnswer),
    "the id of nothing": (answer(2, version="1"), BadAnswer),
    "an id of another type": (b'{"id":"1","result":{}}\n', BadAnswer),
    "a result without an id": (answer(None, version="1"), BadAnswer),
    "news of what was not asked": (encode_notification("events", {"n": 1}), BadAnswer),
    "news that are no object": (b'{"method":"version","params":7}\n', BadAnswer),
    "the daemon's no": (encode_error(1, 1, "no"), Refused),
    "a no to whoever it is": (encode_error(None, 3, "others need this place"), Refused),
}


@contextmanager
def daemon_that(*behaviours: Behaviour) -> Iterator[Path]:
    """Listens at a path; each behaviour is for one connection, in order. Its faults are raised."""
    with tempfile.TemporaryDirectory(prefix="ctl") as folder, socket.socket(socket.AF_UNIX) as door:
        path = Path(folder) / "s"
        door.bind(str(path))
        door.listen()
        door.settimeout(PATIENCE_S)
        faults: list[BaseException] = []
        thread = threading.Thread(target=_serve, args=(door, behaviours, faults))
        thread.start()
        yield path
        thread.join(PATIENCE_S)
        assert faults == []


def _serve(
    door: socket.socket, behaviours: Sequence[Behaviour], faults: list[BaseException]
) -> None:
    try:
        for behave in behaviours:
            connection, _ = door.accept()
            with connection:
                connection.settimeout(PATIENCE_S)
                behave(connection)
    except BaseException as fault:
        faults.append(fault)


def says(*answers: bytes, stays: bool = False) -> Behaviour:
    """One answer to each request, then the end; `stays` until the client has closed."""

    def behave(connection: socket.socket) -> None:
        requests = connection.makefile("rb")
        for each in answers:
            assert requests.readline()
            connection.sendall(each)
        while stays and requests.read(65536):
            pass

    return behave


def trickles(line: bytes) -> Behaviour:
    """A byte now and then, for ever: each alone comes in time."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        pause = threading.Event()
        try:
            for number in range(len(line)):
                connection.sendall(line[number : number + 1])
                pause.wait(0.02)
        except OSError:
            pass  # the client has had enough

    return behave


def endless(connection: socket.socket) -> None:
    """A line without an end."""
    connection.recv(65536)
    try:
        while True:
            connection.sendall(b"x" * 65536)
    except OSError:
        pass
