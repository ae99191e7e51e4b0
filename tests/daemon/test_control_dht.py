"""The verbs of the DHT: which question each asks, which document it returns."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession, make_hop, make_torrent
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_verbs import Verbs
from torrentd.daemon.status import Refused
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import PingEnded, ScrapeEnded
from torrentd.dht.stats import NodeStats, SearchStats
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash

NODE = NodeStats("ipv4", "ab" * 20, "192.0.2.1:6881", "good", 0.1, 2.0, True)


def run(session: FakeSession, method: str, params: dict[str, Json] | None = None) -> Document:
    call = Call(None, lambda: False)
    return asyncio.run(Verbs(session).run(method, params or {}, call)).document


@pytest.mark.parametrize("method", ["dht", "dht status"])
def test_status_is_flat_and_lists_the_searches(method: str) -> None:
    session = FakeSession()
    session.dht.search_list = [SearchStats("c9" * 20, False, 3, 2, 1)]
    document = run(session, method)
    assert document["nodes_good"] == 123 and document["searches"] == session.dht.search_list


def test_nodes() -> None:
    session = FakeSession()
    session.dht.node_list = [NODE]
    assert run(session, "dht nodes") == {"nodes": [NODE]}


class TestLookup:
    def session(self) -> FakeSession:
        session = FakeSession(make_torrent(0xC9E15763, "one"))
        session.dht.hops = [make_hop(1), make_hop(2, "203.0.113.1")]
        return session

    def test_each_hop_is_told_before_the_answer_where_that_is_wanted(self) -> None:
        session = self.session()
        for follow in (False, True):
            told: list[Document] = []

            async def tell(document: Document, told: list[Document] = told) -> None:
                told.append(document)

            params: dict[str, Json] = {"infohash": "ab" * 20, "follow": follow}
            call = Call(None, lambda: False, tell)
            answer = asyncio.run(Verbs(session).run("dht lookup", params, call)).document
            assert answer["peers"] == ["203.0.113.1:6881"] and answer["complete"] is True
            assert told == (answer["hops"] if follow else [])
        assert session.dht.lookups == []

    @pytest.mark.parametrize(
        ("text", "infohash"),
        [
            ("ab" * 20, "ab" * 20),
            ("magnet:?xt=urn:btih:" + "AB" * 20, "ab" * 20),
            ("one", "c9e15763" * 5),
        ],
    )
    def test_the_infohash_is_given_in_any_way(self, text: str, infohash: str) -> None:
        assert run(self.session(), "dht lookup", {"infohash": text})["infohash"] == infohash

    def test_one_that_does_not_end_is_given_up_and_left(self) -> None:
        session = self.session()
        session.dht.lookups_end = False
        document = run(session, "dht lookup", {"infohash": "ab" * 20, "timeout_s": 0.01})
        assert document["complete"] is False and document["peers"] == ["203.0.113.1:6881"]
        assert session.dht.lookups == []

    def test_one_whose_caller_hung_up_is_left(self) -> None:
        session = self.session()
        session.dht.lookups_end = False
        call = Call(None, lambda: True)
        asyncio.run(Verbs(session).run("dht lookup", {"infohash": "ab" * 20}, call))
        assert session.dht.lookups == []

    def test_what_is_no_infohash_is_refused(self) -> None:
        with pytest.raises(Refused, match="there is no torrent two"):
            run(self.session(), "dht lookup", {"infohash": "two"})


class TestScrape:
    def test_what_the_dht_counts(self) -> None:
        session = FakeSession()
        session.dht.scraped = ScrapeEnded(InfoHash(b"h" * 20), seeds=3, peers=52, nodes=8)
        document = run(session, "dht scrape", {"infohash": "ab" * 20})
        assert document == {
            "infohash": "ab" * 20, "complete": True, "seeds": 3, "peers": 52, "nodes": 8,
        }  # fmt: skip

    def test_one_that_takes_too_long(self) -> None:
        document = run(FakeSession(), "dht scrape", {"infohash": "ab" * 20})
        assert (document["complete"], document["seeds"], document["nodes"]) == (False, None, 0)


class TestPing:
    def test_who_answers_and_as_whom_he_sees_us(self) -> None:
        session = FakeSession()
        there, seen = Address("192.0.2.1", 6881), Address("203.0.113.9", 6881)
        session.dht.pings[there] = PingEnded(there, 0.25, NodeId(b"n" * 20), seen)
        answer = {
            "address": "192.0.2.1:6881",
            "answered": True,
            "rtt_s": 0.25,
            "node_id": "6e" * 20,
            "sees_us_as": "203.0.113.9:6881",
        }
        assert run(session, "dht ping", {"address": "192.0.2.1:6881"}) == answer
        added = run(session, "dht add-node", {"address": "192.0.2.1:6881"})
        assert added == {**answer, "kept": True}

    def test_nobody_answers(self) -> None:
        document = run(FakeSession(), "dht ping", {"address": "[2001:db8::1]:80"})
        assert document["answered"] is False and document["rtt_s"] is None

    @pytest.mark.parametrize("text", ["192.0.2.1", "host.example:80", "192.0.2.1:0", "x" * 30_000])
    def test_what_is_no_address_is_refused_in_one_sentence(self, text: str) -> None:
        with pytest.raises(Refused, match="is no node: write") as caught:
            run(FakeSession(), "dht add-node", {"address": text})
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "method",
    ["dht", "dht status", "dht nodes", "dht lookup", "dht scrape", "dht ping", "dht add-node"],
)
def test_an_unknown_parameter_is_refused(method: str) -> None:
    with pytest.raises(LineError):
        run(FakeSession(), method, {"bogus": 1, "address": "192.0.2.1:80", "infohash": "ab" * 20})
