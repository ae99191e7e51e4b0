"""BEP 5, DHT Queries, as the answering side (T26, T27, T29)."""

import random
from dataclasses import replace

import pytest

from tests.dht.makers import (
    INFOHASH,
    NOW,
    PUBLIC,
    THEIR_ID,
    address,
    address6,
    node_id,
    query,
    signed,
)
from torrentd.config.schema import Limits
from torrentd.dht.bloom_filter import BloomFilter
from torrentd.dht.item_messages import item_values
from torrentd.dht.item_store import ItemStore
from torrentd.dht.items import ImmutableItem, Item
from torrentd.dht.krpc import (
    PING_BYTES,
    AnnouncePeer,
    Arguments,
    FindNode,
    GetItem,
    GetPeers,
    Ping,
    PutItem,
    Query,
    Response,
    SampleInfohashes,
    decode_arguments,
    decode_message,
)
from torrentd.dht.network import Network
from torrentd.dht.node_id import NodeId, distance, random_node_id
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.responder import (
    AMPLIFICATION_MAX,
    ITEM_SENT_BYTES_MAX,
    STRANGER_VALUES_MAX,
    Responder,
)
from torrentd.dht.sampling import SAMPLES_MAX, InfohashSample
from torrentd.dht.signatures import Signatures
from torrentd.dht.stats import Family
from torrentd.dht.tokens import Tokens
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.errors import KrpcError

WHO, WHO6 = address(500), address6(500)
LARGE = 1 << 16


class Desk:
    """A responder with two full tables."""

    def __init__(self, nodes: int = 60, limits: Limits | None = None) -> None:
        rng = random.Random(1)
        families: tuple[Family, ...] = ("ipv4", "ipv6")
        self.networks = {family: Network(family, PUBLIC, rng, rng, NOW) for family in families}
        for index in range(nodes):
            self.networks["ipv4"].table.replied(random_node_id(rng), address(index), NOW, 0.1)
            self.networks["ipv6"].table.replied(random_node_id(rng), address6(index), NOW, 0.1)
        self.store = PeerStore(limits or Limits(), PUBLIC, rng)
        self.items = ItemStore(PUBLIC)
        self.responder = Responder(
            self.networks,
            Tokens(rng, NOW),
            self.store,
            self.items,
            Signatures(NOW),
            InfohashSample(self.store, rng, NOW),
            PUBLIC,
        )

    def bytes_for(
        self, arguments: Arguments, source: Address = WHO, room: int = LARGE, *, proven: bool = True
    ) -> bytes:
        return self.responder.answer(b"aa", arguments, source, room, NOW, proven=proven)

    def answer(
        self, arguments: Arguments, source: Address = WHO, room: int = LARGE, *, proven: bool = True
    ) -> Response:
        message = decode_message(self.bytes_for(arguments, source, room, proven=proven))
        assert isinstance(message, Response) and message.transaction_id == b"aa"
        assert message.external == source
        return message

    def announce(self, source: Address, port: int | None = 7000, *, is_seed: bool = False) -> None:
        token = self.answer(GetPeers(THEIR_ID, INFOHASH, ()), source).token
        assert token is not None
        self.answer(AnnouncePeer(THEIR_ID, INFOHASH, port, token, is_seed), source)


class TestPing:
    def test_the_answer_is_our_id_in_that_network(self) -> None:
        desk = Desk()
        assert desk.answer(Ping(THEIR_ID)).node_id == desk.networks["ipv4"].own_id
        assert desk.answer(Ping(THEIR_ID), WHO6).node_id == desk.networks["ipv6"].own_id


class TestFindNode:
    def test_the_eight_closest_good_nodes(self) -> None:
        desk, rng = Desk(), random.Random(2)
        table = desk.networks["ipv4"].table
        for _ in range(30):
            target = random_node_id(rng)
            found = desk.answer(FindNode(THEIR_ID, target, ())).nodes
            expected = sorted(table, key=lambda contact: distance(contact.id, target))[:8]
            assert found == [(contact.id, contact.address) for contact in expected]

    def test_questionable_nodes_are_not_told(self) -> None:
        desk = Desk()
        for contact in list(desk.networks["ipv4"].table):
            contact.failures = 1
        assert desk.answer(FindNode(THEIR_ID, node_id(1), ())).nodes == []

    def test_want_chooses_the_families(self) -> None:
        """BEP 32."""
        desk = Desk()
        for want, sizes in (
            ((), {"ipv4"}),
            (("ipv4",), {"ipv4"}),
            (("ipv6",), {"ipv6"}),
            (("ipv4", "ipv6"), {"ipv4", "ipv6"}),
        ):
            found = desk.answer(FindNode(THEIR_ID, node_id(1), want)).nodes  # type: ignore[arg-type]  # literals widen in a tuple
            told = {"ipv6" if ":" in where.host else "ipv4" for _, where in found}
            assert told == sizes and len(found) == 8 * len(sizes)
        found = desk.answer(FindNode(THEIR_ID, node_id(1), ()), WHO6).nodes
        assert {":" in where.host for _, where in found} == {True}


class TestGetPeers:
    def test_nodes_and_a_token_when_there_are_no_peers(self) -> None:
        message = Desk().answer(GetPeers(THEIR_ID, INFOHASH, ()))
        assert message.token and len(message.nodes) == 8 and message.peers == []

    def test_values_are_of_the_family_of_the_query(self) -> None:
        desk = Desk()
        desk.announce(WHO)
        desk.announce(WHO6)
        assert desk.answer(GetPeers(THEIR_ID, INFOHASH, ())).peers == [Address(WHO.host, 7000)]
        six = desk.answer(GetPeers(THEIR_ID, INFOHASH, ("ipv4", "ipv6")), WHO6)
        assert six.peers == [Address(WHO6.host, 7000)]

    def test_a_proven_address_gets_what_1024_octets_hold(self) -> None:
        desk = Desk()
        for index in range(200):
            desk.announce(address(1000 + index))
        proven = desk.bytes_for(GetPeers(THEIR_ID, INFOHASH, ()))
        assert 1000 < len(proven) <= 1024
        stranger = desk.answer(GetPeers(THEIR_ID, INFOHASH, ()), proven=False)
        assert len(stranger.peers) == STRANGER_VALUES_MAX

    def test_no_token_when_an_announce_would_be_refused(self) -> None:
        """ "never lie stored" (D8)"""
        desk = Desk(limits=Limits(dht_infohashes_stored_max=1))
        desk.announce(WHO)
        own_id = int.from_bytes(desk.networks["ipv4"].own_id, "big")
        far = type(INFOHASH)((own_id ^ (2**160 - 1)).to_bytes(20, "big"))
        assert desk.answer(GetPeers(THEIR_ID, far, ())).token is None
        assert desk.answer(GetPeers(THEIR_ID, INFOHASH, ())).token is not None


class TestScrape:
    """BEP 33."""

    def scraped(self, desk: Desk, *, proven: bool) -> Response:
        data = query(b"get_peers", {b"info_hash": INFOHASH, b"scrape": 1})
        message = decode_message(data)
        assert isinstance(message, Query)
        room = LARGE if proven else AMPLIFICATION_MAX * len(data)
        return desk.answer(decode_arguments(message), room=room, proven=proven)

    def test_both_filters_stand_beside_nodes_and_what_values_fit(self) -> None:
        desk = Desk()
        for index in range(200):
            desk.announce(address(1000 + index), is_seed=index % 4 == 0)
        told = self.scraped(desk, proven=True)
        filters = [told.values[key] for key in (b"BFsd", b"BFpe")]
        assert all(isinstance(each, bytes) and len(each) == 256 for each in filters)
        counted = [round(BloomFilter(f).estimate()) for f in filters if isinstance(f, bytes)]
        assert counted == [pytest.approx(50, abs=8), pytest.approx(150, abs=8)]
        assert len(told.nodes) == 8 and told.peers and told.token
        assert len(desk.bytes_for(GetPeers(THEIR_ID, INFOHASH, (), scrape=True))) <= 1024

    def test_nothing_stored_no_filter(self) -> None:
        """ "and the responding node has database entries for that infohash" """
        assert b"BFsd" not in self.scraped(Desk(), proven=True).values

    def test_a_stranger_gets_no_filter_but_all_else(self) -> None:
        desk = Desk()
        desk.announce(address(1000))
        told = self.scraped(desk, proven=False)
        assert b"BFsd" not in told.values and b"BFpe" not in told.values
        assert told.token and told.nodes and told.peers

    def test_whoever_does_not_ask_gets_none(self) -> None:
        desk = Desk()
        desk.announce(address(1000))
        assert b"BFsd" not in desk.answer(GetPeers(THEIR_ID, INFOHASH, ())).values

    def test_seeds_are_left_out_for_seeds(self) -> None:
        desk = Desk()
        desk.announce(address(1000), is_seed=True)
        desk.announce(address(1001))
        told = desk.answer(GetPeers(THEIR_ID, INFOHASH, (), no_seeds=True))
        assert told.peers == [address(1001, 7000)]


class TestAnnouncePeer:
    def test_implied_port_is_the_source_port(self) -> None:
        """ "the source port of the UDP packet should be used" """
        desk = Desk()
        desk.announce(WHO._replace(port=12345), port=None)
        assert desk.store.peers(INFOHASH, NOW) == [WHO._replace(port=12345)]

    @pytest.mark.parametrize("token", [b"", b"12345678", b"x" * 64])
    def test_a_wrong_token_is_203_and_stores_nothing(self, token: bytes) -> None:
        desk = Desk()
        with pytest.raises(KrpcError) as error:
            desk.answer(AnnouncePeer(THEIR_ID, INFOHASH, 7000, token))
        assert error.value.code == 203 and len(desk.store) == 0

    def test_a_token_of_another_host_is_refused(self) -> None:
        desk = Desk()
        token = desk.answer(GetPeers(THEIR_ID, INFOHASH, ())).token
        assert token is not None
        with pytest.raises(KrpcError):
            desk.answer(AnnouncePeer(THEIR_ID, INFOHASH, 7000, token), address(501))

    @pytest.mark.parametrize("port", [22, 25, 53, 123, 1023])
    def test_ports_of_other_services_are_refused(self, port: int) -> None:
        desk = Desk()
        with pytest.raises(KrpcError):
            desk.announce(WHO, port)
        assert len(desk.store) == 0

    def test_a_full_store_is_said(self) -> None:
        desk = Desk(limits=Limits(dht_infohashes_stored_max=1))
        own_id = int.from_bytes(desk.networks["ipv4"].own_id, "big")
        far = type(INFOHASH)((own_id ^ (2**160 - 1)).to_bytes(20, "big"))
        token = desk.answer(GetPeers(THEIR_ID, far, ())).token
        assert token is not None
        desk.announce(WHO)
        with pytest.raises(KrpcError) as error:
            desk.answer(AnnouncePeer(THEIR_ID, far, 7000, token))
        assert error.value.code == 202


class TestItems:
    """BEP 44."""

    def put(self, desk: Desk, item: Item, *, cas: int | None = None, source: Address = WHO) -> None:
        token = desk.answer(GetItem(THEIR_ID, NodeId(item.target), None, ()), source).token
        assert token is not None
        desk.answer(PutItem(THEIR_ID, item, cas, token), source)

    def got(self, desk: Desk, target: bytes, seq: int | None = None) -> dict[bytes, Bencoded]:
        return desk.answer(GetItem(THEIR_ID, NodeId(target), seq, ())).values

    def refused(self, desk: Desk, item: Item, cas: int | None = None) -> int:
        with pytest.raises(KrpcError) as error:
            self.put(desk, item, cas=cas)
        return error.value.code

    def test_what_is_put_is_told_with_nodes_and_a_token(self) -> None:
        desk, item = Desk(), signed(b"12:Hello World!")
        assert b"v" not in self.got(desk, item.target)
        self.put(desk, item)
        told = self.got(desk, item.target)
        assert item_values(item).items() <= told.items()
        assert told[b"token"] and isinstance(told[b"nodes"], bytes) and len(told[b"nodes"]) == 208
        plain = ImmutableItem(b"l4:spami42ee")
        self.put(desk, plain)
        assert self.got(desk, plain.target)[b"v"] == [b"spam", 42]

    def test_only_what_is_newer_than_the_seq_asked_for_is_told(self) -> None:
        desk, item = Desk(), signed(b"1:x", seq=5)
        self.put(desk, item)
        assert b"v" in self.got(desk, item.target, seq=4)
        for seq in (5, 6):
            told = self.got(desk, item.target, seq=seq)
            assert told[b"seq"] == 5 and not {b"k", b"v", b"sig"} & told.keys()

    def test_a_wrong_token_or_signature_stores_nothing(self) -> None:
        desk, item = Desk(), signed(b"1:x")
        with pytest.raises(KrpcError) as error:
            desk.answer(PutItem(THEIR_ID, item, None, b"12345678"))
        assert error.value.code == 203
        assert self.refused(desk, replace(item, signature=bytes(64))) == 206
        assert self.refused(desk, replace(item, value=b"1:y")) == 206
        assert self.refused(desk, replace(item, seq=2)) == 206
        assert len(desk.items) == 0

    def test_a_token_is_for_one_target(self) -> None:
        desk, item, other = Desk(), signed(b"1:x"), signed(b"1:x", salt=b"other")
        token = desk.answer(GetItem(THEIR_ID, NodeId(item.target), None, ())).token
        assert token is not None
        with pytest.raises(KrpcError):
            desk.answer(PutItem(THEIR_ID, other, None, token))

    def test_seq_never_goes_back_and_cas_must_match(self) -> None:
        desk = Desk()
        self.put(desk, signed(b"1:x", seq=5))
        assert self.refused(desk, signed(b"1:y", seq=4)) == 302
        assert self.refused(desk, signed(b"1:y", seq=5)) == 302
        assert self.refused(desk, signed(b"1:y", seq=6), cas=4) == 301
        self.put(desk, signed(b"1:y", seq=6), cas=5)
        self.put(desk, signed(b"1:z", seq=9))

    def test_verifications_are_rationed_and_what_is_stored_needs_none(self) -> None:
        """D15: at most 50 a second."""
        desk = Desk()
        item = signed(b"1:x")
        self.put(desk, item)
        bad = [replace(item, seq=2 + index) for index in range(60)]
        codes = [self.refused(desk, each) for each in bad]
        assert codes.count(206) < 50 and set(codes) == {206, 202}
        self.put(desk, item)  # refreshed, without a verification
        self.put(desk, ImmutableItem(b"1:x"))

    def test_a_large_item_is_withheld_from_strangers_and_its_seq_is_not(self) -> None:
        desk, large = Desk(), signed(b"900:" + b"x" * 900)
        self.put(desk, large)
        target = NodeId(large.target)
        size = len(query(b"get", {b"target": large.target}))
        stranger = GetItem(THEIR_ID, target, None, ())
        told = desk.answer(stranger, address(7), AMPLIFICATION_MAX * size, proven=False).values
        assert told[b"seq"] == 1 and b"v" not in told and told[b"token"] and told[b"nodes"]
        assert 1000 < len(desk.bytes_for(stranger)) <= ITEM_SENT_BYTES_MAX

    def test_a_pointer_to_a_torrent_is_told_to_strangers(self) -> None:
        """BEP 46 works at the first query."""
        desk, pointer = Desk(), signed(b"d2:ih20:" + bytes(20) + b"e", seq=1_900_000_000)
        self.put(desk, pointer)
        target = NodeId(pointer.target)
        room = AMPLIFICATION_MAX * len(query(b"get", {b"target": pointer.target})) - PING_BYTES
        told = desk.answer(GetItem(THEIR_ID, target, None, ()), address(7), room, proven=False)
        assert told.values[b"v"] == {b"ih": bytes(20)} and told.token


class TestSamples:
    """BEP 51."""

    def asked(self, desk: Desk, room: int = LARGE, *, proven: bool = True) -> Response:
        arguments = SampleInfohashes(THEIR_ID, NodeId(node_id(1)), ())
        assert len(desk.bytes_for(arguments, room=room, proven=proven)) <= min(room, 1024)
        return desk.answer(arguments, room=room, proven=proven)

    def test_an_empty_store_has_an_empty_sample(self) -> None:
        told = self.asked(Desk()).values
        assert told[b"samples"] == b"" and told[b"num"] == 0 and told[b"nodes"]

    def test_a_full_one_tells_what_1024_octets_hold_beside_eight_nodes(self) -> None:
        desk, rng = Desk(), random.Random(5)
        stored = [rng.randbytes(20) for _ in range(300)]
        for index, infohash in enumerate(stored):
            desk.store.add(infohash, address(index), desk.networks["ipv4"].own_id, NOW)
        told = self.asked(desk)
        samples = told.values[b"samples"]
        assert isinstance(samples, bytes) and len(samples) == 20 * SAMPLES_MAX
        assert {samples[at : at + 20] for at in range(0, len(samples), 20)} <= set(stored)
        assert told.values[b"num"] == 300 and len(told.nodes) == 8
        assert told.values[b"interval"] == 3600
        stranger = self.asked(desk, room=4 * 95 - 72, proven=False)
        few = stranger.values[b"samples"]
        assert isinstance(few, bytes) and len(few) >= 60 and samples.startswith(few)
        assert stranger.nodes


class TestAmplification:
    @pytest.mark.parametrize("source", [WHO, WHO6])
    @pytest.mark.parametrize("want", [[], [b"n4"], [b"n6"], [b"n4", b"n6"], [b"n6", b"n4"]])
    @pytest.mark.parametrize("transaction_id", [b"", b"aa", b"x" * 20, b"x" * 200])
    def test_no_answer_to_a_stranger_exceeds_four_times_its_query(
        self, source: Address, want: list[bytes], transaction_id: bytes
    ) -> None:
        desk = Desk()
        for index in range(100):
            desk.announce(address(1000 + index))
            desk.announce(address6(1000 + index))
        item = signed(b"900:" + b"x" * 900)
        desk.items.add(item, WHO, bytes(20), NOW)
        for data in (
            query(b"ping", {}, transaction_id),
            query(b"find_node", {b"target": bytes(20), b"want": list(want)}, transaction_id),
            query(b"get_peers", {b"info_hash": INFOHASH, b"want": list(want)}, transaction_id),
            query(
                b"get_peers",
                {b"info_hash": INFOHASH, b"scrape": 1, b"want": list(want)},
                transaction_id,
            ),
            query(b"get", {b"target": item.target, b"want": list(want)}, transaction_id),
            query(b"get", {b"target": bytes(20), b"want": list(want)}, transaction_id),
            query(
                b"sample_infohashes", {b"target": bytes(20), b"want": list(want)}, transaction_id
            ),
        ):
            message = decode_message(data)
            assert isinstance(message, Query)
            room = AMPLIFICATION_MAX * len(data)
            arguments = decode_arguments(message)
            reply = desk.responder.answer(
                transaction_id, arguments, source, room, NOW, proven=False
            )
            assert len(reply) <= room
            told = decode_message(reply)
            assert isinstance(told, Response)
            assert isinstance(arguments, Ping) or len(told.nodes) >= 4  # and is still of use
