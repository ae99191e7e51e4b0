"""The page for Prometheus: one path, within limits, on a socket of this machine."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.daemon.session_room import new_host, run
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon import metrics_server
from torrentd.daemon.metrics_server import CLIENTS_MAX, HEAD_BYTES_MAX, MetricsServer


def served(folder: Path, scenario: Callable[[Path], Awaitable[None]]) -> None:
    async def whole() -> None:
        path = folder / "metrics.sock"
        with socket.socket(socket.AF_UNIX) as killed:  # left by a daemon that was killed
            killed.bind(str(path))
        server = MetricsServer(f"unix:{path}", lambda: b"up 1\n")
        await server.start()
        try:
            await scenario(path)
        finally:
            server.close()
        assert not path.exists()

    run(whole())


async def asked(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionResetError:  # it closed with some of the request unread
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1", b"200 OK", b"up 1\n"),
        (b"GET /metrics?x=1 HTTP/1.0", b"200 OK", b"up 1\n"),
        (b"HEAD /metrics HTTP/1.1", b"200 OK", b""),
        (b"GET /etc/passwd HTTP/1.1", b"404 Not Found", b"the page is /metrics\n"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed", b"only GET\n"),
        (b"\x00\xff", b"404 Not Found", b"the page is /metrics\n"),
    ],
)
def test_what_is_asked_is_answered(
    request_line: bytes, status: bytes, body: bytes, tmp_path: Path
) -> None:
    async def scenario(path: Path) -> None:
        answer = await asked(path, request_line + b"\r\nHost: localhost\r\n\r\n")
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status + b"\r\n")
        assert rest == body
        if body:
            assert f"Content-Length: {len(body)}".encode() in head

    served(tmp_path, scenario)


def test_a_request_without_an_end_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "REQUEST_S", 0.05)

    async def scenario(path: Path) -> None:
        assert await asked(path, b"GET /metrics HTTP/1.1\r\n") == b""
        assert await asked(path, b"x" * (2 * HEAD_BYTES_MAX)) == b""

    served(tmp_path, scenario)


def test_more_clients_than_there_are_places_are_turned_away(tmp_path: Path) -> None:
    async def scenario(path: Path) -> None:
        idle = [await asyncio.open_unix_connection(path) for _ in range(CLIENTS_MAX)]
        assert await asked(path, b"GET /metrics HTTP/1.1\r\n\r\n") == b""
        for _, writer in idle:
            writer.close()
        while not await asked(path, b"GET /metrics HTTP/1.1\r\n\r\n"):
            pass

    served(tmp_path, scenario)


def test_a_real_daemon_has_the_page(tmp_path: Path) -> None:
    port = 9105
    with TorrentdProcess(new_host(), tmp_path, metrics=f"127.0.0.1:{port}") as daemon:
        daemon.command("add", "ab" * 20)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as page:
            text = page.read().decode()
        assert 'torrentd_torrents{state="metadata"} 1.0' in text
        assert daemon.stop() == 0
