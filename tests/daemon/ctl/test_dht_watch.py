"""A lookup as it is watched at 80 columns, and hostile words in every field (T12)."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.ctl.printed import as_sent, printed
from tests.daemon.fake_session import make_hop
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.dht_watch import PEERS_MAX, Watch, show_found
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.dht_lookup import DhtLookup
from torrentd.dht.outputs import HopEnded, TraceEnded
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def watched(*hops: HopEnded, complete: bool = True) -> DhtLookup:
    lookup = DhtLookup(InfoHash(b"h" * 20), 0.0)
    for hop in hops:
        lookup.hop_ended(hop, hop.rtt_s)
    if complete:
        lookup.ended(TraceEnded(lookup.infohash, 30, 25), 1.25)
    return lookup


def told(lookup: DhtLookup) -> list[Document]:
    return as_sent(lookup.document(2.0)).children("hops")


def test_each_hop_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    silent = replace(make_hop(3), outcome="silent", rtt_s=5.0)
    six = replace(make_hop(4), address=Address("2001:db8:1111:2222:3333:4444:5555:6666", 6881))
    peers = [f"203.0.113.{number}" for number in range(100)]
    seed = replace(make_hop(5), outcome="error", node_id=None, distance_bits=None)
    watch = Watch()
    for hop in told(watched(make_hop(1), make_hop(2, *peers), silent, six, seed)):
        watch.show_hop(hop)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "  TIME HOP NODE     ADDRESS               DISTANCE     RTT GAVE",
        " 0.10s   1 01010101 192.0.2.1:6881           2^159  100 ms 8 nodes",
        " 0.20s   2 02020202 192.0.2.2:6881           2^158  200 ms 100 peers, 100 new",
        " 5.00s   3 03030303 192.0.2.3:6881           2^157         no answer",
        "[2001:db8:1111:2222:3333:4444:5555:6666]:6881",
        " 0.40s   4 04040404                          2^156  400 ms 8 nodes",
        " 0.50s   5          192.0.2.5:6881                  500 ms an error",
    ]
    assert max(cell_len(line) for line in lines) <= 80


def test_the_peers_stand_in_columns_and_the_search_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    peers = [f"203.0.113.{number}" for number in range(10, 15)]
    lookup = watched(make_hop(1), make_hop(4, *peers))
    lines = printed(capsys, show_found, lookup.document(9.0))
    assert lines == [
        "",
        "203.0.113.10:6881  203.0.113.11:6881  203.0.113.12:6881  203.0.113.13:6881",
        "203.0.113.14:6881",
        "",
        "5 peers, the first after 0.4s; 30 nodes asked, 25 replied, 1.2s",
    ]


def test_nobody_found_and_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, show_found, watched().document(9.0)) == [
        "",
        "0 peers; 30 nodes asked, 25 replied, 1.2s",
    ]
    assert printed(capsys, show_found, watched(complete=False).document(75.0)) == [
        "",
        "0 peers; given up after 1m15s",
    ]


def test_a_thousand_peers_are_not_a_thousand_lines(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"peers": [f"203.0.113.{n % 250}:{n}" for n in range(1000)], "complete": True}
    lines = printed(capsys, show_found, document)
    assert f"… and {1000 - PEERS_MAX} more; --json has them all" in lines and len(lines) < 40


@pytest.mark.parametrize("name", HOSTILE)
def test_no_field_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str], name: str) -> None:
    fields: dict[str, Json] = dict.fromkeys(("node_id", "address", "outcome", "family"), name)
    Watch().show_hop(Document({**fields, "peers": [name]}))
    show_found(Document({"peers": [name], "complete": True}))
    assert is_safe(capsys.readouterr().out)
