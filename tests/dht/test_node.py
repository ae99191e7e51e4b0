"""DhtNode whole (BEP 5, 32, 42, 43): one input, and what must and must not come of it (T26-T30)."""

import random

import pytest

from tests.dht.makers import (
    INFOHASH,
    LOCAL,
    NOW,
    THEIR_ID,
    address,
    address6,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    query,
    response,
    sent,
)
from tests.vectors.addresses import NEVER_CONTACT
from torrentd.config.schema import Limits
from torrentd.dht import responder
from torrentd.dht.krpc import (
    ErrorReply,
    Query,
    Response,
    decode_message,
    encode_error,
    encode_response,
)
from torrentd.dht.lookup import WINDOW
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, id_fits_host, node_id_for
from torrentd.dht.outputs import (
    BootstrapWanted,
    ExternalAddressChanged,
    Output,
    PeersFound,
    PingEnded,
    SearchEnded,
)
from torrentd.dht.transactions import PENDING_MAX
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded

GET_PEERS = query(b"get_peers", {b"info_hash": INFOHASH})
EXTERNAL = Address("5.6.7.8", 6881)


def own_id(node: DhtNode) -> NodeId:
    return NodeId(bytes.fromhex(node.stats(NOW).families[0].node_id))


def searching(node: DhtNode) -> list[tuple[Query, Address]]:
    return [(q, to) for q, to in queries(node.get_peers(INFOHASH, NOW)) if q.method == b"get_peers"]


def token_for(node: DhtNode, source: Address, now: float = NOW) -> bytes:
    [datagram] = sent(node.receive_datagram(GET_PEERS, source, now))
    message = decode_message(datagram.data)
    assert isinstance(message, Response) and message.token is not None
    return message.token


def announce(
    node: DhtNode, source: Address, token: bytes, now: float = NOW, infohash: bytes = INFOHASH
) -> bool:
    given: dict[bytes, Bencoded] = {b"info_hash": infohash, b"port": 7000, b"token": token}
    out = sent(node.receive_datagram(query(b"announce_peer", given), source, now))
    return isinstance(decode_message(out[0].data), Response)


class TestQueries:
    @pytest.mark.parametrize("transaction_id", [b"", b"a", b"aa", b"x" * 20])
    def test_the_answer_echoes_the_transaction_id_to_the_source(
        self, transaction_id: bytes
    ) -> None:
        node = dht_node()
        [datagram] = sent(
            node.receive_datagram(query(b"ping", {}, transaction_id), address(1, port=999), NOW)
        )
        assert datagram.address == address(1, port=999)
        expected = encode_response(transaction_id, {b"id": own_id(node)}, address(1, port=999))
        assert datagram.data == expected

    def test_errors_go_back_with_their_code(self) -> None:
        node = dht_node()
        for data, code in (
            (query(b"vote", {}), 204),
            (query(b"ping", {}, sender=b"short"), 203),
            (query(b"get_peers", {}), 203),
            (query(b"announce_peer", {b"info_hash": INFOHASH, b"port": 1, b"token": b"x"}), 203),
        ):
            [datagram] = sent(node.receive_datagram(data, address(1), NOW))
            assert decode_message(datagram.data) == ErrorReply(b"aa", code)
        assert node.stats(NOW).errors_sent == 4

    def test_a_read_only_node_answers_nothing(self) -> None:
        """BEP 43: "It no longer responds to 'query' messages"."""
        node = dht_node(read_only=True)
        assert node.receive_datagram(GET_PEERS, address(1), NOW) == []
        assert node.stats(NOW).dropped_read_only == 1

    def test_a_querying_node_is_pinged_before_it_enters_and_a_read_only_one_never(self) -> None:
        """BEP 43: "should not add the message sender to its routing table"."""
        node = dht_node()
        node.receive_datagram(query(b"ping", {}), address(1), NOW)
        node.receive_datagram(query(b"ping", {}, ro=1), address(2), NOW)
        assert node.stats(NOW).nodes_good == 0  # D10: an answer is what counts
        pinged = queries(node.tick(NOW)) + queries(node.tick(NOW + 1))
        assert [(q.method, to) for q, to in pinged] == [(b"ping", address(1))]
        node.receive_datagram(response(pinged[0][0], {b"id": THEIR_ID}), address(1), NOW + 1)
        assert node.stats(NOW).nodes_good == 1


class TestAnswersToAnswers:
    def test_responses_and_errors_are_never_answered(self) -> None:
        """Two nodes that answer each other's errors never stop (libtorrent #6236)."""
        node = dht_node()
        for data in (
            encode_response(b"aa", {b"id": THEIR_ID}, EXTERNAL),
            encode_error(b"aa", 203, "no"),
        ):
            assert node.receive_datagram(data, address(1), NOW) == []
        assert node.stats(NOW).dropped_unasked == 2

    def test_our_own_query_echoed_is_dropped(self) -> None:
        node = dht_node()
        [datagram] = sent(node.add_node(address(1), NOW))
        assert node.receive_datagram(datagram.data, address(1), NOW) == []
        assert node.stats(NOW).dropped_own == 1

    def test_a_query_in_our_own_name_from_our_own_address_is_dropped(self) -> None:
        node = dht_node()
        assert sent(node.receive_datagram(GET_PEERS, EXTERNAL, NOW))
        befriend(node, friends(3), ip=pack_address(EXTERNAL))
        assert node.receive_datagram(GET_PEERS, EXTERNAL, NOW) == []
        assert node.stats(NOW).dropped_own == 1


class TestTransactions:
    def test_an_answer_counts_once_and_only_from_whom_was_asked(self) -> None:
        node = dht_node()
        [(asked, to)] = queries(node.add_node(address(1), NOW))
        data = response(asked, {b"id": THEIR_ID})
        assert node.receive_datagram(data, address(2), NOW) == []
        assert node.receive_datagram(data, address(1, port=1), NOW) == []
        assert node.stats(NOW).nodes_good == 0
        node.receive_datagram(data, to, NOW)
        assert node.stats(NOW).nodes_good == 1
        assert node.receive_datagram(data, to, NOW) == []
        assert node.stats(NOW).replies_received == 1

    def test_transaction_ids_are_secret_and_differ(self) -> None:
        ids = [
            asked.transaction_id
            for seed in (1, 2)
            for index in range(50)
            for asked, _ in queries(dht_node(seed=seed).add_node(address(index), NOW))
        ]
        assert len(set(ids)) == 2 and {len(i) for i in ids} == {4}

    def test_another_id_than_the_asked_one_is_no_answer(self) -> None:
        """D10: an introducer lied, or the node changes its id."""
        node, known = dht_node(), friends(20)
        befriend(node, known)
        asked, to = searching(node)[0]
        values: dict[bytes, Bencoded] = {b"id": node_id(9), b"values": [bytes([9] * 6)]}
        out = node.receive_datagram(response(asked, values), to, NOW)
        assert not [output for output in out if isinstance(output, PeersFound)]
        stats = node.stats(NOW)
        assert stats.id_mismatches == 1 and stats.nodes_good == 19

    def test_a_true_id_counts_when_a_liar_named_another(self) -> None:
        """A node that liars make known under a false id is not silenced by that."""
        node, known = dht_node(), friends(20)
        befriend(node, known)
        masked = address(700)
        true_id = node_id_for(masked.host, random.Random(1))
        asked, to = searching(node)[0]
        lie: dict[bytes, Bencoded] = {b"id": known[to], b"nodes": INFOHASH + pack_address(masked)}
        out = node.receive_datagram(response(asked, lie), to, NOW)
        [asked] = [q for q, to in queries(out) if to == masked]
        truth: dict[bytes, Bencoded] = {b"id": true_id, b"values": [pack_address(address(5))]}
        out = node.receive_datagram(response(asked, truth), masked, NOW)
        assert PeersFound(INFOHASH, [address(5)]) in out


class TestTokens:
    def test_of_this_host_this_infohash_and_these_ten_minutes(self) -> None:
        node = dht_node()
        token = token_for(node, address(1))
        assert announce(node, address(1), token)
        assert announce(node, address(1, port=555), token)  # the IP address counts
        assert not announce(node, address(2), token)
        assert not announce(node, address(1), token, infohash=bytes(20))
        assert not announce(node, address(1), token, now=NOW + 660)
        stats = node.stats(NOW)
        assert (stats.announces_accepted, stats.announces_refused) == (2, 3)
        assert stats.peers_stored == 1

    def test_guesses_are_refused(self) -> None:
        node, rng = dht_node(limits=Limits(dht_upload_bytes_per_s_max=10_000_000)), random.Random(1)
        now = NOW
        for index in range(3000):
            now += 0.01
            assert not announce(node, address(index % 100), rng.randbytes(8), now)


class TestHostileReplies:
    def reply_with(self, values: dict[bytes, Bencoded]) -> tuple[DhtNode, list[Output]]:
        node, known = dht_node(), friends(4)
        for index in range(3):  # so that it knows its own address
            befriend(node, {address(300 + index): node_id(index + 1)}, ip=pack_address(EXTERNAL))
        befriend(node, known)
        asked, to = next((q, to) for q, to in searching(node) if to in known)
        return node, node.receive_datagram(response(asked, {b"id": known[to], **values}), to, NOW)

    @pytest.mark.parametrize("host", [host for host, _ in NEVER_CONTACT if ":" not in host])
    @pytest.mark.parametrize("port", [0, 1, 53, 6881, 65535])
    def test_forbidden_addresses_are_neither_asked_nor_told(self, host: str, port: int) -> None:
        packed = pack_address(Address(host, port))
        node, out = self.reply_with({b"nodes": b"\x05" * 20 + packed, b"values": [packed]})
        assert not [o for o in out if isinstance(o, PeersFound)]
        assert host not in {datagram.address.host for datagram in sent(out)}
        assert node.stats(NOW).addresses_refused == 2

    def test_mapped_addresses_in_nodes6_are_no_way_around(self) -> None:
        mapped = bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1]) + b"\x1a\xe1"
        _, out = self.reply_with({b"nodes6": b"\x05" * 20 + mapped, b"values": [mapped]})
        known = [*friends(4), *(address(300 + index) for index in range(3))]
        assert not [each for each in sent(out) if each.address not in known]
        assert not [each for each in out if isinstance(each, PeersFound)]

    def test_our_own_id_and_our_own_address_are_not_asked(self) -> None:
        node, _ = self.reply_with({})
        mine = own_id(node) + pack_address(address(77))
        there = b"\x05" * 20 + pack_address(EXTERNAL)
        asked, to = queries(node.get_peers(type(INFOHASH)(bytes(20)), NOW))[0]
        known = friends(4) | {address(300 + index): node_id(index + 1) for index in range(3)}
        values: dict[bytes, Bencoded] = {
            b"id": known[to],
            b"nodes": mine + there,
            b"values": [pack_address(EXTERNAL)],
        }
        out = node.receive_datagram(response(asked, values), to, NOW)
        assert not [o for o in out if isinstance(o, PeersFound)]
        assert {address(77), EXTERNAL}.isdisjoint(d.address for d in sent(out))

    def test_the_same_node_eight_times_is_asked_once(self) -> None:
        one = INFOHASH + pack_address(address(99))
        _, out = self.reply_with({b"nodes": one * 8})
        assert [q.method for q, to in queries(out) if to == address(99)].count(b"get_peers") == 1

    def test_a_torn_nodes_string_spoils_the_reply(self) -> None:
        node, out = self.reply_with({b"nodes": bytes(27)})
        assert out == [] and node.stats(NOW).dropped_malformed == 1

    def test_a_search_ends_within_100_queries_whatever_is_answered(self) -> None:
        node, known = dht_node(), friends(20)
        befriend(node, known)
        rng, waiting, now, asked_in_all = random.Random(4), searching(node), NOW, 0
        ids: dict[Address, bytes] = dict(known)
        ended: list[SearchEnded] = []
        while not ended:
            now += 0.05
            out = node.tick(now)
            while waiting:
                asked, to = waiting.pop(0)
                asked_in_all += 1
                lies = b""
                for _ in range(8):
                    liar = address(rng.randrange(1000, 15_000))
                    ids.setdefault(liar, INFOHASH[: rng.randrange(20)].ljust(20, b"z"))
                    lies += ids[liar] + pack_address(liar)
                out += node.receive_datagram(
                    response(asked, {b"id": ids[to], b"nodes": lies}), to, now
                )
            waiting = [(q, to) for q, to in queries(out) if q.method == b"get_peers"]
            ended = [output for output in out if isinstance(output, SearchEnded)]
        assert asked_in_all <= 100 and ended[0].queries <= 100 and now < NOW + 61


class TestAmplification:
    """D1, T29."""

    def loaded(self) -> DhtNode:
        limits = Limits(dht_upload_bytes_per_s_max=10_000_000)
        node = dht_node(families=("ipv4", "ipv6"), limits=limits)
        befriend(node, friends(60))
        befriend(node, {address6(index): node_id(index << 150 | 1) for index in range(60)})
        for index in range(100):
            source = address(2000 + index)
            assert announce(node, source, token_for(node, source))
        return node

    def replies(self, node: DhtNode, source: Address) -> list[float]:
        """Bytes out by bytes in, for each kind of query."""
        ratios = []
        for data in (
            query(b"ping", {}),
            query(b"find_node", {b"target": INFOHASH, b"want": [b"n4", b"n6"]}),
            GET_PEERS,
            query(b"get_peers", {b"info_hash": INFOHASH, b"want": [b"n4", b"n6"]}),
            query(b"vote", {}),
            query(b"announce_peer", {}),
        ):
            out = sent(node.receive_datagram(data, source, NOW))
            assert len(out) == 1
            ratios.append(len(out[0].data) / len(data))
        return ratios

    def test_a_stranger_gets_at_most_four_times_what_it_sent(self) -> None:
        node = self.loaded()
        ratios = self.replies(node, address(3000)) + self.replies(node, address6(3000))
        assert max(ratios) <= 4.0 and max(ratios) > 3.5

    def test_without_the_rule_it_would_be_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The defence is needed: off, the same queries bring back far more."""
        node = self.loaded()
        monkeypatch.setattr("torrentd.dht.node.AMPLIFICATION_MAX", 1000)
        monkeypatch.setattr(responder, "STRANGER_VALUES_MAX", 1000)
        assert max(self.replies(node, address(3000))) > 6.0

    def test_an_address_that_has_proven_itself_gets_more(self) -> None:
        node = self.loaded()
        source = address(3000)
        announce(node, source, token_for(node, source))
        assert max(self.replies(node, source)) > 6.0

    def test_the_bytes_sent_a_second_stay_within_the_budget(self) -> None:
        node = dht_node(limits=Limits(dht_upload_bytes_per_s_max=16_000))
        befriend(node, friends(60))
        out_bytes, seconds = 0, 20
        for index in range(20_000):
            now = NOW + seconds * index / 20_000
            source = Address(f"60.{index % 250}.{index // 250 % 250}.1", 6881)
            out_bytes += sum(
                len(d.data) for d in sent(node.receive_datagram(GET_PEERS, source, now))
            )
        assert out_bytes <= 1.05 * 16_000 * seconds + 24_000
        assert out_bytes >= 0.95 * 16_000 * seconds
        known = next(iter(friends(60)))
        assert node.receive_datagram(GET_PEERS, known, NOW + seconds)  # proven: still served


class TestExternalAddress:
    def test_three_agreeing_answers_change_our_id(self) -> None:
        """BEP 42; D18."""
        node = dht_node()
        before, out = own_id(node), befriend(node, friends(2), ip=pack_address(EXTERNAL))
        assert own_id(node) == before
        out += befriend(node, {address(9): node_id(9)}, ip=pack_address(EXTERNAL))
        changes = [output for output in out if isinstance(output, ExternalAddressChanged)]
        assert changes == [ExternalAddressChanged("5.6.7.8")]
        assert own_id(node) != before and id_fits_host(own_id(node), "5.6.7.8")
        assert node.stats(NOW).families[0].external_address == "5.6.7.8"

    def test_votes_in_queries_and_unasked_answers_do_not_count(self) -> None:
        node = dht_node()
        before = own_id(node)
        for index in range(50):
            ip = pack_address(EXTERNAL)
            node.receive_datagram(query(b"ping", {}, ip=ip), address(index), NOW)
            unasked = response(Query(b"zzzz", b"", {}, None), {b"id": THEIR_ID}, ip=ip)
            node.receive_datagram(unasked, address(index), NOW)
        assert own_id(node) == before

    @pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "224.0.0.1", "0.0.0.0"])
    def test_an_address_that_cannot_be_ours_is_no_vote(self, host: str) -> None:
        node = dht_node()
        out = befriend(node, friends(20), ip=pack_address(Address(host, 6881)))
        assert not [output for output in out if isinstance(output, ExternalAddressChanged)]


class TestBootstrap:
    def test_wanted_at_the_first_tick_and_again_for_ever(self) -> None:
        node, now, wanted = dht_node(), NOW, 0
        while now < NOW + 3600:
            deadline = node.next_deadline()
            assert deadline is not None
            now = max(now, deadline)
            wanted += sum(isinstance(output, BootstrapWanted) for output in node.tick(now))
        assert 3600 / 25 <= wanted <= 3600 / 15  # while nobody answers at all

    def test_all_addresses_are_asked_at_once_and_the_forbidden_never(self) -> None:
        """D14: a DNS answer may be a lie."""
        node = dht_node()
        given = [address(1), Address("127.0.0.1", 6881), address(2), Address("10.0.0.1", 1)]
        asked = queries(node.bootstrap(given, NOW))
        assert {to for _, to in asked} == {address(1), address(2)}
        assert {q.method for q, _ in asked} == {b"find_node"}
        assert node.add_node(Address("192.168.1.1", 6881), NOW) == []

    def test_a_lost_datagram_is_sent_again_within_a_second(self) -> None:
        node = dht_node()
        node.tick(NOW)
        node.bootstrap([address(1)], NOW)
        deadline = node.next_deadline()
        assert deadline is not None and deadline <= NOW + 1
        assert [to for _, to in queries(node.tick(NOW + 1))] == [address(1)]

    def test_the_first_node_leads_to_a_lookup_of_our_own_id(self) -> None:
        node = dht_node()
        out = befriend(node, {address(1): THEIR_ID})
        assert [(q.method, to) for q, to in queries(out)] == [(b"find_node", address(1))]

    def test_who_names_many_nodes_leaves_room_for_the_searches(self) -> None:
        """A peer sends PORT messages with one port after the other."""
        node = dht_node()
        befriend(node, friends(20))
        named = [queries(node.add_node(address(1, port=port), NOW)) for port in range(1, 2000)]
        assert 100 < len([asked for asked in named if asked]) <= PENDING_MAX // 2
        assert len(searching(node)) == WINDOW

    def test_port_messages_ping(self) -> None:
        node = dht_node()
        assert [q.method for q, _ in queries(node.add_node(address(1), NOW))] == [b"ping"]
        assert node.add_node(address(1), NOW) == []  # one at a time

    def test_a_private_dht_on_one_machine(self) -> None:
        node = dht_node(policy=LOCAL)
        rng = random.Random(5)
        for port in range(7000, 7020):
            where = Address("127.0.0.1", port)
            befriend(node, {where: NodeId(rng.randbytes(20))})
        assert node.stats(NOW).nodes_good >= 12  # not one, as of a public machine
        assert len(searching(node)) == WINDOW


class TestTime:
    def test_tick_early_late_and_twice_does_no_harm(self) -> None:
        node, rng = dht_node(families=("ipv4", "ipv6")), random.Random(6)
        befriend(node, friends(30))
        now = NOW
        for _ in range(500):
            now += rng.choice((0.0, 0.01, 1.0, 60.0))
            node.tick(now)
            if rng.random() < 0.1:
                node.get_peers(type(INFOHASH)(rng.randbytes(20)), now)
        deadline = node.next_deadline()
        assert deadline is not None

    def test_a_tick_at_the_deadline_moves_it_on(self) -> None:
        """Else the driver would turn in place."""
        node = dht_node()
        befriend(node, friends(30))
        node.get_peers(INFOHASH, NOW)
        now, at_one_time = NOW, 0
        for _ in range(2000):
            deadline = node.next_deadline()
            assert deadline is not None
            at_one_time = at_one_time + 1 if deadline <= now else 0
            assert at_one_time <= 3
            now = max(now, deadline)
            node.tick(now)
        assert now > NOW + 60


class TestSeen:
    def test_what_goes_in_and_out_is_counted_in_datagrams_and_bytes(self) -> None:
        node = dht_node()
        befriend(node, friends(3))
        node.receive_datagram(b"x" * 30, address(90), NOW)
        asked = query(b"ping", {})
        answers = sent(node.receive_datagram(asked, address(91), NOW))
        stats = node.stats(NOW)
        assert stats.datagrams_received == 3 + 1 + 1
        assert stats.datagrams_sent == stats.queries_sent + 1 and len(answers) == 1
        assert node.replies_sent == stats.replies_sent == 1

    def test_nodes_and_searches_are_told(self) -> None:
        node = dht_node()
        befriend(node, friends(3))
        searching(node)
        assert {told.address for told in node.node_stats(NOW)} == {str(a) for a in friends(3)}
        [search] = node.search_stats()
        assert search.infohash == INFOHASH.hex() and search.queries == 3 and not search.waiting


class TestPing:
    def test_who_answers_is_told_with_the_round_trip_and_our_address(self) -> None:
        node = dht_node()
        [(asked, to)] = queries(node.ping(address(1), NOW))
        assert (asked.method, to) == (b"ping", address(1))
        seen = pack_address(EXTERNAL)
        out = node.receive_datagram(response(asked, {b"id": THEIR_ID}, ip=seen), to, NOW + 0.25)
        assert PingEnded(address(1), 0.25, THEIR_ID, EXTERNAL) in out
        assert [told.address for told in node.node_stats(NOW)] == [str(address(1))]

    def test_an_error_is_an_answer_and_silence_is_told_in_the_end(self) -> None:
        node = dht_node()
        [(asked, to)] = queries(node.ping(address(1), NOW))
        node.ping(address(2), NOW)
        out = node.receive_datagram(encode_error(asked.transaction_id, 201, "no"), to, NOW + 0.5)
        assert PingEnded(address(1), 0.5) in out
        assert PingEnded(address(2)) in node.tick(NOW + 5.0)

    def test_other_pings_are_nobodys_business(self) -> None:
        node = dht_node()
        out = befriend(node, friends(3)) + node.tick(NOW + 5.0)
        assert not any(isinstance(output, PingEnded) for output in out)

    def test_whom_we_may_not_ask_is_not_asked(self) -> None:
        node = dht_node()
        for host, _ in NEVER_CONTACT:
            assert node.ping(Address(host, 6881), NOW) == []
        assert node.ping(address6(1), NOW) == []
