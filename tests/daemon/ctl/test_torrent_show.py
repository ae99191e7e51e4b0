"""What is wanted of torrents, as it is read."""

import pytest

from tests.daemon.ctl.printed import printed
from torrentd.daemon.ctl import torrent_show

RATES = {
    "download_bytes_per_s_max": 4 * 1024**2,
    "upload_bytes_per_s_max": 0,
    "alternative_download_bytes_per_s_max": 0,
    "alternative_upload_bytes_per_s_max": 1000,
    "alternative": "auto",
    "alternative_holds": False,
    "by_hand": [],
}


def test_limits_say_which_are_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, torrent_show.show_limits, {"all": RATES, "torrents": []})
    assert lines == [
        "all torrents  down 4.00 MiB/s, up unlimited, in force",
        "alternative   down unlimited, up 0.98 KiB/s (by the clock)",
    ]
    other = {**RATES, "alternative": "on", "alternative_holds": True, "by_hand": ["rates.a"]}
    torrent = {
        "infohash": "ab" * 20,
        "name": "debian",
        "download_bytes_per_s_max": 1024,
        "upload_bytes_per_s_max": 0,
    }
    lines = printed(capsys, torrent_show.show_limits, {"all": other, "torrents": [torrent]})
    assert lines == [
        "all torrents  down 4.00 MiB/s, up unlimited",
        "alternative   down unlimited, up 0.98 KiB/s, in force (by hand)",
        "abababab      down 1.00 KiB/s, up unlimited  debian",
        "changed by hand: rates.a; torrentctl config drop takes that back",
    ]


def test_labels_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    torrents = [
        {"infohash": "ab" * 20, "name": "debian", "labels": ["isos", "new"]},
        {"infohash": "cd" * 20, "name": "other", "labels": []},
    ]
    lines = printed(capsys, torrent_show.show_labels, {"torrents": torrents})
    assert lines == ["abababab debian: isos, new", "cdcdcdcd other: no label"]


def test_the_queue_is_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    torrent = {"place": 1, "infohash": "ab" * 20, "name": "debian", "state": "queued"}
    torrents = [torrent, {**torrent, "place": 2, "forced": True, "state": "downloading"}]
    lines = printed(capsys, torrent_show.show_queue, {"torrents": torrents})
    assert [line.split() for line in lines] == [
        ["#", "ID", "NAME", "STATE"],
        ["1", "abababab", "debian", "queued"],
        ["2", "abababab", "debian", "downloading", "(now)"],
    ]
    assert printed(capsys, torrent_show.show_queue, {"torrents": []}) == ["there is no torrent"]


def test_places(capsys: pytest.CaptureFixture[str]) -> None:
    torrent = {"infohash": "ab" * 20, "name": "debian", "download_dir": "/srv", "moving": False}
    torrents = [torrent, {**torrent, "moving": True}]
    assert printed(capsys, torrent_show.show_places, {"torrents": torrents}) == [
        "debian is in /srv",
        "debian is on its way; status shows how far",
    ]
