"""The tables as they look: 80 columns, with names that would break them."""

from dataclasses import asdict

import pytest
from rich.cells import cell_len

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.fake_session import make_torrent
from torrentd.daemon.control_lines import decode_line, encode_line
from torrentd.daemon.ctl.columns import lay_out
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.tables import (
    FILE_COLUMNS,
    PEER_COLUMNS,
    TORRENT_COLUMNS,
    file_row,
    peer_row,
    print_rows,
    torrent_row,
)
from torrentd.daemon.status import FileStatus, PeerStatus, TorrentStatus


def document(status: TorrentStatus | PeerStatus | FileStatus) -> Document:
    return Document(decode_line(encode_line(asdict(status))))


def torrents_table(*torrents: TorrentStatus, width: int = 80) -> list[str]:
    rows = [torrent_row(document(torrent)) for torrent in torrents]
    return lay_out(TORRENT_COLUMNS, rows, width, False)


def with_stage(torrent: TorrentStatus) -> TorrentStatus:
    torrent.state, torrent.stage, torrent.size_bytes = "metadata", "peers", 0
    torrent.download_rate_bytes_per_s = torrent.upload_rate_bytes_per_s = 0
    torrent.peers_connected = 0
    return torrent


def test_torrents_at_80_columns() -> None:
    long = make_torrent(0xC9E15763, "Sintel (2010) [1080p] the durian open movie project.mkv")
    hostile = make_torrent(0x12345678, "evil \x1b[2J\x1b]0;x\x07 name\nwith line")
    hostile.state, hostile.error = "error", "disk full"
    long.swarm_seeds, long.swarm_peers = 50, 370
    wide = with_stage(make_torrent(0xABCDEF01, "日本語の長い名前のファイル、とても長い.iso"))
    assert torrents_table(long, hostile, wide) == [
        "ID       NAME                STATE        DONE  SIZE DOWN/s  UP/s   PEERS   LEFT",
        "c9e15763 Sintel (2010) [108… downloading 43.2%  1.2G  12.3M  1.1M  14/420  1h02m",
        "12345678 evil \\x1b[2J\\x1b]0… error       43.2%  1.2G  12.3M  1.1M      14",
        "abcdef01 日本語の長い名前の… metadata",
    ]


def test_a_wide_terminal_shows_the_whole_name() -> None:
    name = "Sintel (2010) [1080p] the durian open movie project.mkv"
    assert name in torrents_table(make_torrent(1, name), width=140)[1]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_table(name: str) -> None:
    torrent = make_torrent(1, name * 20)
    torrent.size_bytes = torrent.uploaded_bytes = 2**62
    torrent.download_rate_bytes_per_s = torrent.upload_rate_bytes_per_s = 2**40 - 1
    torrent.peers_connected, torrent.eta_s = 20000, 99 * 86400
    peer = PeerStatus("192.0.2.255:65535", name * 9, "incoming", name[:3], 1.0, 1, 1, 1, 1, 1, 1)
    file = FileStatus(199_999, f"{name}/{name * 9}", 2**62, 2**61, False)
    tables = [
        torrents_table(torrent),
        lay_out(PEER_COLUMNS, [peer_row(document(peer))], 80, False),
        lay_out(FILE_COLUMNS, [file_row(document(file))], 80, False),
    ]
    for table in tables:
        assert len(table) == 2
        assert all(is_safe(line) for line in table)
    assert all(cell_len(line) <= 80 for line in tables[0] + tables[2])


def test_peers_at_80_columns() -> None:
    peers = [
        PeerStatus(
            "203.0.113.77:51413", "Transmission 4.0.5", "dht", "D", 0.5, 1234567, 0, 1, 2, 3, 4
        ),
        PeerStatus(
            "[2001:db8:85a3:8d3:1319:8a2e:1370:7348]:51413",
            "a client with a very long name",
            "incoming",
            "UXI",
            1.0,
            0,
            3456,
            1,
            2,
            3,
            4,
        ),
    ]
    assert lay_out(PEER_COLUMNS, [peer_row(document(peer)) for peer in peers], 80, False) == [
        "ADDRESS                   CLIENT                 FROM   FLAGS  DONE DOWN/s  UP/s",
        "203.0.113.77:51413        Transmission 4.0.5     dht    D     50.0%   1.2M",
        "[2001:db8:85a3:8d3:1319:8a2e:1370:7348]:51413",
        "                          a client with a very…  in     UXI    100%         3.4K",
    ]


def test_files() -> None:
    files = [FileStatus(0, "a/b.txt", 0, 0, True), FileStatus(1, "a/c.iso", 2**30, 2**29, False)]
    assert lay_out(FILE_COLUMNS, [file_row(document(file)) for file in files], 80, False) == [
        "  # FILE      SIZE  DONE WANTED",
        "  0 a/b.txt      0  100% yes",
        "  1 a/c.iso   1.0G 50.0% no",
    ]


def test_rows_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([("name", "one"), ("infohash", "c9"), ("", "more")])
    assert capsys.readouterr().out.splitlines() == [
        "name      one",
        "infohash  c9",
        "          more",
    ]
