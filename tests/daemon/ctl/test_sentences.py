"""What torrentctl says in words."""

import pytest

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.sentences import (
    blocks_sentence,
    daemon_sentence,
    progress_sentence,
    short_name,
    stage_sentence,
    stages_sentence,
)

STAGES_S: dict[str, Json] = {"dht": 0.42, "peers": 12.3, "handshakes": 0.0, "metadata": 75}
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
        ("dht", "looking for DHT nodes 0.4s: 123 DHT nodes so far"),
        ("peers", "DHT 0.4s → looking for peers 12s: 123 DHT nodes, 5 known"),
        (
            "handshakes",
            "DHT 0.4s → peers 12s → handshake 0.0s: 5 known, 1 connected",
        ),
        (
            "metadata",
            "DHT 0.4s → peers 12s → handshake 0.0s → metadata 1m15s from 1 peer",
        ),
    ],
)
def test_each_stage_of_a_magnet_has_its_sentence(stage: str, sentence: str) -> None:
    place = list(STAGES_S).index(stage) + 1
    magnet = torrent(
        state="metadata",
        stage=stage,
        peers_known=5,
        peers_connected=1,
        stages_s=dict(list(STAGES_S.items())[:place]),
    )
    assert len(sentence) <= 71
    assert stage_sentence(DAEMON, magnet) == sentence
    assert progress_sentence(DAEMON, magnet) == sentence


def test_the_stages_are_told_while_they_last_and_afterwards() -> None:
    now = torrent(stage="peers", stages_s={"dht": 0.42, "peers": 12.3})
    assert stages_sentence(now) == "DHT 0.4s → peers 12s …"
    then = torrent(stage=None, stages_s={**STAGES_S})
    expected = "DHT 0.4s → peers 12s → handshake 0.0s → metadata 1m15s, 1m28s in all"
    assert stages_sentence(then) == expected
    assert stages_sentence(torrent(stage=None, stages_s={})) == ""


def test_a_daemon_that_tells_no_times_is_understood() -> None:
    magnet = torrent(state="metadata", stage="peers", peers_known=5)
    assert stage_sentence(DAEMON, magnet) == "looking for peers: 123 DHT nodes, 5 known"


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


def test_whom_we_have_nothing_to_do_with() -> None:
    counted: dict[str, Json] = {"banned": 2, "refused": 345}
    assert blocks_sentence(Document(counted)) == "2 bans, 345 contacts refused"
    listed = {**counted, "path": "/l", "ranges": 178329, "bad_lines": 12, "first_bad_line": 7}
    sentence = blocks_sentence(Document(listed))
    assert sentence == (
        "178329 ranges blocked, 2 bans, 345 contacts refused, 12 bad lines (line 7)"
    )
    assert len(sentence) <= 80
