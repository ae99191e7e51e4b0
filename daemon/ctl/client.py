"""A small client of the control socket: one connection, one request at a time, no event loop."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torrentd.daemon.control_lines import (
    METHOD_NOT_FOUND,
    AnswerLine,
    Json,
    LineError,
    NotificationLine,
    decode_answer,
    encode_request,
)
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, TIMED_OUT, Failure

CONNECT_S = 10.0
RETRY_S = 0.02
ANSWER_S = 60.0  # a daemon that is alive answers in milliseconds
RECEIVE_BYTES = 256 * 1024
SYSTEM_SOCKET = "/run/torrentd/control.sock"


def socket_path(option: str | None) -> str:
    """--socket, $TORRENTCTL_SOCKET, the user's own daemon if it has a socket, the system's."""
    chosen = option or os.environ.get("TORRENTCTL_SOCKET")
    if chosen:
        return os.path.abspath(chosen)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    own = os.path.join(runtime or state, "torrentd", "control.sock")
    return own if os.path.exists(own) else SYSTEM_SOCKET


def no_daemon_sentence(path: str, error: OSError) -> str:
    """Why nobody answers there."""
    if isinstance(error, PermissionError):
        return f"you may not use the socket {path}: join its group, or become its user"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"no daemon at {path}; start torrentd, or name its socket with --socket"
    return f"no daemon at {path}: {error.strerror or error}"


def _ignore(told: Document) -> None:
    return None


class Client:
    """Connects on the first call. Raises Failure and nothing else."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._sock: socket.socket | None = None
        self._received = bytearray()
        self._next_id = 1

    def call(
        self,
        method: str,
        params: dict[str, Json] | None = None,
        payload: bytes = b"",
        answer_s: float | None = ANSWER_S,
        on_told: Callable[[Document], None] = _ignore,
    ) -> Document:
        """The document of one verb; `payload` travels right after the line. `on_told` hears what
        the daemon tells before it, each within `answer_s` of the last; None: whenever it comes."""
        sock = self._connected()
        sock.settimeout(answer_s)
        line = encode_request(method, params or {}, self._next_id)
        self._next_id += 1
        with self._in_time(answer_s):
            self._send(sock, line, payload)
        while True:
            with self._in_time(answer_s):
                answer = self._decode(self._read_line(sock))
            if isinstance(answer, AnswerLine):
                return self._document(answer)
            on_told(Document(answer.params))

    @contextmanager
    def _in_time(self, answer_s: float | None) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            sentence = f"the daemon at {self.path} has not answered for {answer_s:g} s"
            raise Failure(TIMED_OUT, sentence) from None
        except OSError:
            raise self._gone() from None

    def wait_for_end(self, limit_s: float) -> bool:
        """Whether the daemon closes its end in time, as it does when it stops."""
        sock = self._connected()
        sock.settimeout(limit_s)
        try:
            return not sock.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _connected(self) -> socket.socket:
        if self._sock is not None:
            return self._sock
        deadline = time.monotonic() + CONNECT_S
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(CONNECT_S)
            try:
                sock.connect(self.path)
            except BlockingIOError:  # alive, with a long queue at its door
                sock.close()
                if time.monotonic() > deadline:
                    raise Failure(TIMED_OUT, f"the daemon at {self.path} is too busy") from None
                time.sleep(RETRY_S)
            except OSError as error:
                sock.close()
                raise Failure(NO_DAEMON, no_daemon_sentence(self.path, error)) from None
            else:
                self._sock = sock
                return sock

    def _send(self, sock: socket.socket, line: bytes, payload: bytes) -> None:
        """A daemon that refuses closes early; its answer is there to be read all the same."""
        try:
            sock.sendall(line)
            if payload:
                sock.sendall(payload)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _read_line(self, sock: socket.socket) -> bytes:
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            data = sock.recv(RECEIVE_BYTES)
            if not data:
                raise self._gone()
            self._received += data
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def _decode(self, line: bytes) -> AnswerLine | NotificationLine:
        try:
            return decode_answer(line)
        except LineError as error:
            raise Failure(REFUSED, f"the daemon's answer: {error.sentence}") from None

    def _document(self, answer: AnswerLine) -> Document:
        if answer.error is None:
            return Document(answer.result)
        code, sentence = answer.error
        if code == METHOD_NOT_FOUND:
            sentence += "; the daemon is older than this torrentctl"
        raise Failure(REFUSED, sentence)

    def _gone(self) -> Failure:
        self.close()
        return Failure(NO_DAEMON, f"the daemon at {self.path} went away")
