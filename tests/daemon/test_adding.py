"""What a user adds is checked before it becomes a torrent."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config
from tests.wire.torrents import single_file
from torrentd.config.entries import Label
from torrentd.config.schema import Seeding
from torrentd.daemon.adding import parse_peer, read_request
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.options import TorrentOptions

TORRENT = single_file(b"adding" * 20, name=b"added.bin")
METAINFO = encode_metainfo(TORRENT.metadata)
INFOHASH = "ab" * 20


class TestReadRequest:
    def test_a_magnets_peers_are_tried_and_not_put_on_record(self, tmp_path: Path) -> None:
        magnet = f"magnet:?xt=urn:btih:{INFOHASH}&dn=One&x.pe=192.0.2.1:7000"
        request = AddRequest(magnet=magnet, peers=["192.0.2.2:7001"], paused=True)
        wanted = read_request(request, make_config(tmp_path, "127.0.0.1"), added_at=5)
        state = wanted.known.state
        assert (state.name, state.paused, state.added_at) == ("One", True, 5)
        assert state.download_dir == str(tmp_path / "downloads")
        assert wanted.magnet_peers == [Address("192.0.2.1", 7000)]
        assert wanted.manual_peers == [Address("192.0.2.2", 7001)]
        assert "192.0.2" not in state.magnet

    def test_a_torrent_file_brings_its_metadata(self, tmp_path: Path) -> None:
        request = AddRequest(metainfo=METAINFO)
        known = read_request(request, make_config(tmp_path, "127.0.0.1"), added_at=0).known
        assert known.metadata == TORRENT.metadata
        assert (known.state.infohash, known.state.name) == (TORRENT.infohash, "added.bin")

    @pytest.mark.parametrize(
        ("request_", "sentence"),
        [
            (AddRequest(), "one of them"),
            (AddRequest(magnet=INFOHASH, metainfo=METAINFO), "one of them"),
            (AddRequest(metainfo=METAINFO, select=["1"]), "files 0 to 0"),
            (AddRequest(metainfo=METAINFO, select=["b*"]), "no file of it is"),
            (AddRequest(magnet=INFOHASH, download_dir="here"), "absolute"),
            (AddRequest(magnet=INFOHASH, download_dir="/"), "may not go here"),
            (AddRequest(magnet=INFOHASH, peers=["a peer"]), "'a peer' is no peer"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_with_a_sentence(
        self, request_: AddRequest, sentence: str, tmp_path: Path
    ) -> None:
        with pytest.raises(Refused, match=sentence):
            read_request(request_, make_config(tmp_path, "127.0.0.1"), added_at=0)

    def test_labels_bring_what_was_not_said(self, tmp_path: Path) -> None:
        films, slow = Path("/srv/films"), Path("/srv/slow")
        labels = (
            Label(name="films", dir=films, upload_bytes_per_s_max=5120, sequential=True),
            Label(name="slow", dir=slow, upload_bytes_per_s_max=1, download_bytes_per_s_max=1024),
        )
        config = make_config(tmp_path, "127.0.0.1")
        config = config.model_copy(update={"seeding": Seeding(labels=labels)})
        options = TorrentOptions(labels=("none", "films", "slow"), upload_bytes_per_s_max=7)
        request = AddRequest(magnet=INFOHASH, options=options)
        state = read_request(request, config, added_at=0).known.state
        assert state.download_dir == "/srv/films"
        assert state.options == replace(options, download_bytes_per_s_max=1024, sequential=True)
        elsewhere = replace(request, download_dir="/srv/here")
        assert read_request(elsewhere, config, 0).known.state.download_dir == "/srv/here"

    def test_the_folder_of_our_state_takes_no_torrents(self, tmp_path: Path) -> None:
        request = AddRequest(magnet=INFOHASH, download_dir=str(tmp_path / "state" / "torrents"))
        with pytest.raises(Refused, match="its own state"):
            read_request(request, make_config(tmp_path, "127.0.0.1"), added_at=0)


class TestParsePeer:
    def test_ipv6_wants_brackets_and_names_are_not_looked_up(self) -> None:
        assert parse_peer("[2001:db8::1]:6881") == Address("2001:db8::1", 6881)
        with pytest.raises(Refused):
            parse_peer("localhost:6881")
