"""A page for Prometheus on a Unix socket or a loopback port: GET /metrics, and nothing else.

HTTP/1.1 as far as a scraper needs it: one request a connection, its head within limits.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from torrentd.config.values import split_host_port
from torrentd.daemon.control_socket import Listener, listen

HEAD_BYTES_MAX: Final = 8 * 1024
REQUEST_S: Final = 5.0
CLIENTS_MAX: Final = 8
UNIX: Final = "unix:"
SOCKET_MODE: Final = 0o660
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class MetricsServer:
    """`text` is asked for each page."""

    def __init__(self, listen: str, text: Callable[[], bytes]) -> None:
        self._listen = listen
        self._text = text
        self._clients = 0
        self._server: asyncio.Server | None = None
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Raises OSError when the address cannot be had."""
        if self._listen.startswith(UNIX):
            path = Path(self._listen.removeprefix(UNIX))
            self._listener = listen(path, SOCKET_MODE, None, "metrics.listen")
            self._server = await asyncio.start_unix_server(
                self._serve, sock=self._listener.sock, limit=HEAD_BYTES_MAX
            )
        else:
            host, port = split_host_port(self._listen)
            self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_BYTES_MAX)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._listener is not None:
            self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= CLIENTS_MAX:
                async with asyncio.timeout(REQUEST_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever does not ask in time, or asks for too much, hears nothing
        finally:
            self._clients -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path not in (b"/metrics", b"/"):
            return _page("404 Not Found", b"the page is /metrics\n")
        if method not in (b"GET", b"HEAD"):
            return _page("405 Method Not Allowed", b"only GET\n")
        return _page("200 OK", self._text(), bodiless=method == b"HEAD")


def _page(status: str, body: bytes, bodiless: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    return head if bodiless else head + body
