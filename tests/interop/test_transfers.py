"""torrentd and real clients trade with each other, in both directions, byte for byte."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import Payload
from tests.interop.torrentd_process import TorrentdProcess
from tests.interop.transmission_client import TransmissionClient, require_transmission


@pytest.fixture
def torrentd(new_host: Callable[[], str], tmp_path: Path) -> Iterator[TorrentdProcess]:
    with TorrentdProcess(new_host(), tmp_path / "torrentd") as process:
        yield process


@pytest.fixture(params=["single", "many"])
def payload(request: pytest.FixtureRequest) -> Payload:
    value = request.getfixturevalue(str(request.param))
    assert isinstance(value, Payload)
    return value


def add(torrentd: TorrentdProcess, payload: Payload, how: str, *options: str) -> None:
    source = payload.magnet if how == "magnet" else str(payload.torrent_path)
    torrentd.command("add", source, *options)


def is_seeding(torrentd: TorrentdProcess, payload: Payload) -> bool:
    return torrentd.torrent(payload.infohash)["state"] == "seeding"


def seed(torrentd: TorrentdProcess, payload: Payload) -> None:
    add(torrentd, payload, "file", "--dir", str(payload.parent))
    wait_until(lambda: is_seeding(torrentd, payload), 60, "torrentd has checked the data and seeds")


@pytest.mark.parametrize("how", ["file", "magnet"])
class TestLibtorrent:
    def test_torrentd_downloads_from_libtorrent(
        self, torrentd: TorrentdProcess, payload: Payload, how: str, new_host: Callable[[], str]
    ) -> None:
        with LibtorrentClient(new_host()) as libtorrent:
            libtorrent.seed(payload)
            add(torrentd, payload, how)
            torrentd.command("add-peer", payload.infohash, f"{libtorrent.host}:{libtorrent.port}")
            torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        assert payload.is_complete_in(torrentd.downloads)
        assert torrentd.torrent(payload.infohash)["wasted_bytes"] == 0

    def test_libtorrent_downloads_from_torrentd(
        self,
        torrentd: TorrentdProcess,
        payload: Payload,
        how: str,
        new_host: Callable[[], str],
        tmp_path: Path,
    ) -> None:
        seed(torrentd, payload)
        with LibtorrentClient(new_host()) as libtorrent:
            source = payload.magnet if how == "magnet" else payload.torrent_path
            handle = libtorrent.download(source, tmp_path / "libtorrent")
            handle.connect_peer((torrentd.host, torrentd.port))
            wait_until(lambda: handle.status().is_seeding, 60, "libtorrent has it all")
            # it says so before its disk threads have written the last of it
            wait_until(
                lambda: payload.is_complete_in(tmp_path / "libtorrent"), 20, "every byte is there"
            )


@pytest.mark.parametrize("how", ["file", "magnet"])
class TestTransmission:
    """Both payloads at once, since transmission waits for its own timers most of the time."""

    def test_torrentd_downloads_from_transmission(
        self,
        torrentd: TorrentdProcess,
        single: Payload,
        many: Payload,
        how: str,
        new_host: Callable[[], str],
        tmp_path: Path,
    ) -> None:
        require_transmission()
        with TransmissionClient(new_host(), tmp_path) as transmission:
            for payload in (single, many):
                transmission.seed(payload)
                add(torrentd, payload, how)
                dial(torrentd, payload, transmission)
            torrentd.command("wait", "--timeout", "120", single.infohash, timeout_s=130)
            torrentd.command("wait", "--timeout", "120", many.infohash, timeout_s=130)
        assert single.is_complete_in(torrentd.downloads)
        assert many.is_complete_in(torrentd.downloads)

    def test_transmission_downloads_from_torrentd(
        self,
        torrentd: TorrentdProcess,
        single: Payload,
        many: Payload,
        how: str,
        new_host: Callable[[], str],
        tmp_path: Path,
    ) -> None:
        """Transmission has no add-peer: torrentd, the seeder, dials it."""
        require_transmission()
        with TransmissionClient(new_host(), tmp_path) as transmission:
            numbers = []
            for payload in (single, many):
                seed(torrentd, payload)
                source = payload.magnet if how == "magnet" else payload.torrent_path
                numbers.append(transmission.add(source))
                dial(torrentd, payload, transmission)
            for number in numbers:
                wait_until(partial(has_all, transmission, number), 120, "transmission has it")
        assert single.is_complete_in(transmission.downloads)
        # transmission 3.00 makes no file for a file of no bytes
        assert many.is_complete_in(transmission.downloads, empty_files=False)


def dial(torrentd: TorrentdProcess, payload: Payload, transmission: TransmissionClient) -> None:
    torrentd.command("add-peer", payload.infohash, f"{transmission.host}:{transmission.port}")


def has_all(transmission: TransmissionClient, number: int) -> bool:
    return transmission.progress(number)[1] == 1.0
