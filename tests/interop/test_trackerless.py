"""No tracker is ever contacted, whatever a magnet or a torrent says."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import libtorrent as lt
import pytest

from tests.interop.libtorrent_client import LibtorrentClient
from tests.interop.payload import Payload
from tests.interop.torrentd_process import TorrentdProcess

TRACKER_PORT = 6969


class Tracker:
    """Sockets that only listen: whoever knocks, by TCP or UDP, is seen."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.tcp = socket.create_server((host, TRACKER_PORT))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, TRACKER_PORT))
        self.tcp.setblocking(False)
        self.udp.setblocking(False)

    def close(self) -> None:
        self.tcp.close()
        self.udp.close()

    @property
    def was_contacted(self) -> bool:
        return self._accepted() or self._received()

    def _accepted(self) -> bool:
        try:
            connection, _ = self.tcp.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    def _received(self) -> bool:
        try:
            self.udp.recv(2048)
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def tracker(new_host: Callable[[], str]) -> Iterator[Tracker]:
    value = Tracker(new_host())
    yield value
    value.close()


def with_trackers(payload: Payload, tracker: Tracker, path: Path) -> Path:
    """The payload's torrent file with `announce`, `announce-list` and `url-list`."""
    torrent = payload.torrent_path.read_bytes()
    assert torrent.startswith(b"d") and torrent.endswith(b"e")
    http = f"http://{tracker.host}:{TRACKER_PORT}/announce".encode()
    udp = f"udp://{tracker.host}:{TRACKER_PORT}".encode()
    announces: list[object] = [[http], [udp]]
    head = b"d8:announce" + lt.bencode(http) + b"13:announce-list" + lt.bencode(announces)
    path.write_bytes(head + torrent[1:-1] + b"8:url-list" + lt.bencode(http) + b"e")
    return path


@pytest.mark.parametrize("how", ["file", "magnet"])
def test_no_tracker_is_ever_contacted(
    how: str, tracker: Tracker, single: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    http, udp = (
        f"http://{tracker.host}:{TRACKER_PORT}/announce",
        f"udp://{tracker.host}:{TRACKER_PORT}",
    )
    magnet = f"{single.magnet}&tr={http}&tr.1={udp}&ws={http}&xs={http}&as={http}"
    source = (
        str(with_trackers(single, tracker, tmp_path / "t.torrent")) if how == "file" else magnet
    )
    with ExitStack() as stack:
        libtorrent = stack.enter_context(LibtorrentClient(new_host()))
        torrentd = stack.enter_context(TorrentdProcess(new_host(), tmp_path / "torrentd"))
        libtorrent.seed(single)
        torrentd.command("add", source)
        torrentd.command("add-peer", single.infohash, f"{libtorrent.host}:{libtorrent.port}")
        torrentd.command("wait", single.infohash, "--timeout", "60", timeout_s=70)
        assert torrentd.stop() == 0
    assert single.is_complete_in(torrentd.downloads)
    assert not tracker.was_contacted


def test_the_tracker_of_this_test_sees_who_knocks(tracker: Tracker) -> None:
    with socket.create_connection((tracker.host, TRACKER_PORT)):
        assert tracker.was_contacted
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knocker:
        knocker.sendto(b"x", (tracker.host, TRACKER_PORT))
        assert tracker.was_contacted
