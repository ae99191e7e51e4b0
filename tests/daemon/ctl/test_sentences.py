"""What torrentctl says in words."""

import pytest

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.sentences import (
    daemon_sentence,
    progress_sentence,
    short_name,
    stage_sentence,
)

DAEMON = Document(
    {
        "dht": {"enabled": True, "nodes_good": 123},
        "download_rate_bytes_per_s": 999 * 2**30,
        "upload_rate_bytes_per_s": 999 * 2**30,
        "peers_connected": 20_000,
    }
)


def torrent(**fields: Json) -> Document:
    return Document({"name": "one", "infohash": "c9" * 20, **fields})


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        ("dht", "looking for DHT nodes: 123 good so far"),
        ("peers", "looking for peers: 123 DHT nodes, 5 known"),
        ("handshakes", "shaking hands: 5 peers known, 1 connected"),
        ("metadata", "fetching the metadata from 1 peer"),
    ],
)
def test_each_stage_of_a_magnet_has_its_sentence(stage: str, sentence: str) -> None:
    magnet = torrent(state="metadata", stage=stage, peers_known=5, peers_connected=1)
    assert stage_sentence(DAEMON, magnet) == sentence
    assert progress_sentence(DAEMON, magnet) == sentence


def test_a_download_says_how_far_how_fast_and_how_long() -> None:
    download = torrent(
        state="downloading",
        progress=0.5,
        size_bytes=2**30,
        download_rate_bytes_per_s=2**20,
        peers_connected=2,
        eta_s=512,
    )
    expected = "50.0% of 1.00 GiB, 1.00 MiB/s, 2 peers, 8m32s left"
    assert progress_sentence(DAEMON, download) == expected


def test_any_other_state_is_named() -> None:
    assert progress_sentence(DAEMON, torrent(state="checking", progress=0.1)) == "checking, 10.0%"


def test_the_last_line_of_status_fits_80_columns() -> None:
    sentence = daemon_sentence(DAEMON, 10_000)
    assert len(sentence) <= 80
    assert sentence.endswith("20000 peers, 123 DHT nodes")
    assert daemon_sentence(Document({}), 1).startswith("1 torrent,")
    assert daemon_sentence(Document({}), 1).endswith("DHT off")


def test_names_are_cut_and_never_empty() -> None:
    assert short_name(torrent()) == "one"
    assert short_name(torrent(name="x" * 99), 10) == "x" * 9 + "…"
    assert short_name(torrent(name="")) == "c9" * 20
