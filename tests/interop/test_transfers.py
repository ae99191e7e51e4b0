"""torrentd and real clients trade with each other, in both directions, byte for byte."""

from collections.abc import Callable, Iterator
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
        assert payload.is_complete_in(tmp_path / "libtorrent")


@pytest.mark.parametrize("how", ["file", "magnet"])
class TestTransmission:
    def test_torrentd_downloads_from_transmission(
        self,
        torrentd: TorrentdProcess,
        payload: Payload,
        how: str,
        new_host: Callable[[], str],
        tmp_path: Path,
    ) -> None:
        require_transmission()
        with TransmissionClient(new_host(), tmp_path) as transmission:
            transmission.seed(payload)
            add(torrentd, payload, how)
            torrentd.command(
                "add-peer", payload.infohash, f"{transmission.host}:{transmission.port}"
            )
            torrentd.command("wait", payload.infohash, "--timeout", "90", timeout_s=100)
        assert payload.is_complete_in(torrentd.downloads)

    def test_transmission_downloads_from_torrentd(
        self,
        torrentd: TorrentdProcess,
        payload: Payload,
        how: str,
        new_host: Callable[[], str],
        tmp_path: Path,
    ) -> None:
        """Transmission has no add-peer: torrentd, the seeder, dials it."""
        require_transmission()
        seed(torrentd, payload)
        with TransmissionClient(new_host(), tmp_path) as transmission:
            number = transmission.add(payload.magnet if how == "magnet" else payload.torrent_path)
            torrentd.command(
                "add-peer", payload.infohash, f"{transmission.host}:{transmission.port}"
            )
            wait_until(lambda: transmission.progress(number)[1] == 1.0, 90, "transmission has it")
        assert payload.is_complete_in(transmission.downloads)
