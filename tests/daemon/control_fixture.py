"""A control server of a fake session in a thread's own loop, and raw ways to talk to it."""

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.daemon.fake_session import FakeSession
from torrentd.config.schema import Control, Limits
from torrentd.daemon.control import ControlServer
from torrentd.daemon.control_call import Run
from torrentd.daemon.control_socket import peer_credentials
from torrentd.daemon.control_stream import REQUEST_S
from torrentd.daemon.tasks import Tasks

Document = dict[str, object]


@dataclass(slots=True)
class Served:
    session: FakeSession
    server: ControlServer
    path: Path
    loop: asyncio.AbstractEventLoop
    faults: list[BaseException]

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(str(self.path))  # blocking: a time-out would fail at once on a full backlog
        sock.settimeout(20)
        return sock

    def stop(self) -> None:
        """Before the end of the test: the daemon goes away."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(20)


@contextmanager
def serve(
    session: FakeSession,
    *,
    clients_max: int = 32,
    request_s: float = REQUEST_S,
    uid: int | None = None,
    group: str | None = None,
    more: Mapping[str, Run] | None = None,
) -> Iterator[Served]:
    """`uid` is whom the kernel would say everybody is (the shim of T42)."""
    with tempfile.TemporaryDirectory(prefix="ctl") as folder:
        path = Path(folder) / "run" / "control.sock"

        def credentials(sock: socket.socket) -> tuple[int, int, int]:
            pid, own_uid, gid = peer_credentials(sock)
            return (pid, own_uid, gid) if uid is None else (pid, uid, 65534)

        server = ControlServer(
            session,
            Control(socket=path, group=group),
            Limits(control_clients_max=clients_max),
            more=more,
            credentials=credentials,
            request_s=request_s,
        )
        loop = uvloop.new_event_loop()  # as in production
        tasks = Tasks(on_fatal=lambda _: None)
        thread = threading.Thread(target=loop.run_forever, name="control server")
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(server.start(tasks.spawn), loop).result(20)
            yield Served(session, server, path, loop, tasks.faults)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(20)
            loop.close()


def read_line(sock: socket.socket) -> bytes:
    """One answer, without reading past it; b"" at the end."""
    line = bytearray()
    while not line.endswith(b"\n"):
        data = sock.recv(1)
        if not data:
            break
        line += data
    return bytes(line)


def ask(sock: socket.socket, method: str, payload: bytes = b"", **params: object) -> Document:
    """The whole answer to one request."""
    request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    sock.sendall(json.dumps(request).encode() + b"\n" + payload)
    answer: Document = json.loads(read_line(sock))
    return answer
