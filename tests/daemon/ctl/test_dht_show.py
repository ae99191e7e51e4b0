"""What `torrentctl dht` prints, at 80 columns."""

from dataclasses import replace
from typing import ClassVar, Literal

import pytest
from rich.cells import cell_len

from tests.daemon.ctl.printed import printed
from tests.daemon.fake_session import make_dht
from torrentd.daemon.ctl import dht_show
from torrentd.dht.stats import NodeStats, SearchStats


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def status_document(*searches: SearchStats) -> dict[str, object]:
    dht = make_dht()
    return {**{name: getattr(dht, name) for name in dht.__slots__}, "searches": list(searches)}


class TestStatus:
    def test_the_whole_page(self, capsys: pytest.CaptureFixture[str]) -> None:
        searches = (
            SearchStats("c9e15763" * 5, waiting=False, queries=31, responses=25, peers=1),
            SearchStats("12345678" * 5, waiting=True, queries=0, responses=0, peers=0),
        )
        assert printed(capsys, dht_show.show_status, status_document(*searches)) == [
            "FAMILY GOOD UNSURE BAD BUCKETS SEEN AS",
            "ipv4    123      7   2      16 203.0.113.9, 3 of 4 votes",
            "",
            "ipv4 id       a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
            "votes         203.0.113.9 by 198.51.100.1, 192.0.2.7 and 1 more",
            "              192.0.2.1 by 10.9.8.7",
            "last reply    0s ago",
            "asked         1000 queries, 900 replied, 80 timed out",
            "answered      4990 of 5000 queries from others, 12.5 a second",
            "received      6000 packets, 586 KiB, 3 dropped",
            "sent          5990 packets, 1.14 MiB",
            "peers stored  42, and 7 items, left here by others",
            "searches      2 running",
            "  c9e15763    31 asked, 25 replied, 1 peer",
            "  12345678    waiting",
        ]

    def test_nodes_of_further_addresses(self, capsys: pytest.CaptureFixture[str]) -> None:
        """BEP 45."""
        document = status_document()
        [own] = make_dht().families
        document["further"] = [replace(own, listens_at="192.0.2.2:6881")]
        document["families"] = [replace(own, listens_at="192.0.2.1:6881")]
        document["nodes_good"] = 246
        lines = printed(capsys, dht_show.show_status, document)
        assert lines[1:9] == [
            "ipv4    123      7   2      16 203.0.113.9, 3 of 4 votes",
            "ipv4    123      7   2      16 203.0.113.9, 3 of 4 votes",
            "",
            "ipv4 id       a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
            "              at 192.0.2.1:6881",
            "ipv4 id       a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
            "              at 192.0.2.2:6881",
            "votes         203.0.113.9 by 198.51.100.1, 192.0.2.7 and 1 more",
        ]
        assert "nodes         246 good, 7 unsure, 2 bad, of all together" in lines

    def test_a_node_that_has_only_begun(self, capsys: pytest.CaptureFixture[str]) -> None:
        document = status_document()
        family = make_dht().families[0]
        document["families"] = [replace(family, external_address=None, votes={})]
        document["last_reply_age_s"] = None
        lines = printed(capsys, dht_show.show_status, document)
        assert lines[1].endswith(" not known yet")
        assert "last reply    none yet" in lines and "searches      none running" in lines
        assert not any(line.startswith("votes") for line in lines)

    @pytest.mark.parametrize(
        ("health", "rejoins", "line"),
        [
            ("silent", 2, "ipv4 state    nobody answers any more, everybody asked again 2 times"),
            ("joining", 0, "ipv4 state    nobody has answered yet"),
            ("online", 1, "ipv4 state    everybody asked again 1 time"),
        ],
    )
    def test_a_family_that_is_not_or_was_not_well_says_so(
        self,
        capsys: pytest.CaptureFixture[str],
        health: Literal["silent", "joining", "online"],
        rejoins: int,
        line: str,
    ) -> None:
        document = status_document()
        family = replace(make_dht().families[0], health=health, rejoins=rejoins)
        document["families"] = [family]
        assert line in printed(capsys, dht_show.show_status, document)

    def test_it_stays_one_screen_whoever_votes_and_whatever_is_searched(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        searches = [SearchStats(f"{n:040x}", False, 1, 1, 0) for n in range(1000)]
        document = status_document(*searches)
        votes = {f"2001:db8:1111:2222:3333:4444:5555:{n:x}": ["2001:db8::1"] * n for n in range(30)}
        document["families"] = [replace(make_dht().families[0], votes=votes)]
        lines = printed(capsys, dht_show.show_status, document)
        assert len(lines) <= 23 and lines[-1] == "  …           and 992 more"
        assert ":1d by " in lines[4], "the most votes first"

    def test_a_dht_that_is_off(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "off" in printed(capsys, dht_show.show_status, {"enabled": False})[0]


class TestNodes:
    def test_a_table_of_80_columns(self, capsys: pytest.CaptureFixture[str]) -> None:
        six = "[2001:db8:85a3:8d3:1319:8a2e:1370:7348]:51413"
        nodes = [
            NodeStats("ipv4", "ab" * 20, "203.0.113.7:6881", "good", 0.0824, 61.0, True),
            NodeStats("ipv6", "cd" * 20, six, "questionable", None, None, False),
        ]
        lines = printed(capsys, dht_show.show_nodes, {"nodes": nodes})
        assert lines == [
            "ID                  ADDRESS                   STATE         FAMILY    RTT   SEEN",
            "ababababababababab… 203.0.113.7:6881          good          ipv4    82 ms  1m01s",
            six,
            "cdcdcdcdcdcdcdcdcd…                           questionable* ipv6           never",
            "2 nodes",
        ]
        assert max(cell_len(line) for line in lines) <= 80

    def test_each_of_our_nodes_of_a_family_has_a_table(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """BEP 45."""
        known = NodeStats("ipv4", "ab" * 20, "203.0.113.7:6881", "good", 0.0824, 61.0, True)
        nodes = [
            replace(known, listens_at="192.0.2.1:6881"),
            replace(known, listens_at="192.0.2.2:6881"),
        ]
        lines = printed(capsys, dht_show.show_nodes, {"nodes": nodes})
        assert lines[::3] == ["ipv4 at 192.0.2.1:6881", "ipv4 at 192.0.2.2:6881", "2 nodes"]

    def test_without_a_node_it_says_what_helps(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "add-node" in printed(capsys, dht_show.show_nodes, {"nodes": []})[0]


class TestPing:
    ANSWER: ClassVar[dict[str, object]] = {
        "address": "192.0.2.1:6881",
        "answered": True,
        "rtt_s": 0.0824,
        "node_id": "ab" * 20,
        "sees_us_as": "203.0.113.9:6881",
    }

    def test_who_answers(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert printed(capsys, dht_show.show_ping, self.ANSWER) == [
            "192.0.2.1:6881 answers after 82 ms",
            f"id          {'ab' * 20}",
            "sees us as  203.0.113.9:6881",
        ]

    def test_an_error_is_an_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        document = {**self.ANSWER, "node_id": None, "sees_us_as": None}
        lines = printed(capsys, dht_show.show_ping, document)
        assert lines[1:] == ["id  none: it answers with an error"]

    def test_silence(self, capsys: pytest.CaptureFixture[str]) -> None:
        document = {"address": "192.0.2.1:6881", "answered": False, "rtt_s": None, "kept": False}
        for show_it in (dht_show.show_ping, dht_show.show_added_node):
            assert printed(capsys, show_it, document) == ["192.0.2.1:6881 does not answer"]

    @pytest.mark.parametrize(("kept", "word"), [(True, "it is in"), (False, "it is not in")])
    def test_an_added_node_is_kept_or_not(
        self, capsys: pytest.CaptureFixture[str], kept: bool, word: str
    ) -> None:
        document = {**self.ANSWER, "kept": kept}
        assert printed(capsys, dht_show.show_added_node, document)[-1].startswith(word)


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (
            {"complete": True, "seeds": 1, "peers": 52, "nodes": 8},
            "about 1 seed and 52 other peers, as 8 nodes counted",
        ),
        ({"complete": True, "seeds": 0, "peers": 0, "nodes": 0}, "no node knows anybody"),
        ({"complete": False, "seeds": None, "peers": None, "nodes": 0}, "takes too long"),
    ],
)
def test_a_scrape_is_a_sentence(
    capsys: pytest.CaptureFixture[str], document: dict[str, object], line: str
) -> None:
    assert line in printed(capsys, dht_show.show_scrape, document)[0]


def test_an_item_is_shown_with_its_owner(capsys: pytest.CaptureFixture[str]) -> None:
    found = {"found": True, "value": {"ih": "ab"}, "key": "cd", "seq": 7, "copies": 3, "nodes": 9}
    assert printed(capsys, dht_show.show_item, found) == [
        "key     cd",
        "seq     7",
        'value   {"ih": "ab"}',
        "copies  3, 9 nodes asked",
    ]
    hostile = {"found": True, "value": "a\x1b[2J\nb", "copies": 1, "nodes": 1}
    assert "\x1b" not in printed(capsys, dht_show.show_item, hostile)[0]
    assert printed(capsys, dht_show.show_item, {"nodes": 9}) == ["none of 9 nodes has it"]


def test_a_put_and_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, dht_show.show_put, {"target": "ab", "stored": 8}) == [
        "target  ab",
        "stored  with 8 nodes",
    ]
    assert printed(capsys, dht_show.show_put, {"target": "ab", "stored": 0}) == [
        "target  ab",
        "stored  nowhere: no node took it",
    ]
    assert printed(capsys, dht_show.show_sample, {"infohashes": ["ab"], "nodes": 3}) == ["ab"]
