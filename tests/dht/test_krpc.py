"""BEP 5, KRPC Protocol and DHT Queries; BEP 32 (want, nodes6), 42 (ip), 43 (ro)."""

import pytest

from tests.dht.makers import INFOHASH, THEIR_ID, query
from tests.vectors.dht import (
    BEP5,
    BIT_ERRORS,
    ERROR_WITHOUT_CODE,
    MIXED_VALUES,
    MIXED_VALUES_ARE,
    ONE_NODE,
    ONE_NODE_IS,
    ONE_PEER,
    ONE_PEER_IS,
    PLACEHOLDERS,
    READ_ONLY_WITHOUT_MEANING,
    SAMPLE_INFOHASHES_RESPONSE,
    WANT,
)
from torrentd.dht.krpc import (
    NODES_MAX,
    VALUES_MAX,
    AnnouncePeer,
    Arguments,
    ErrorReply,
    FindNode,
    GetPeers,
    Ping,
    Query,
    Response,
    decode_arguments,
    decode_message,
    encode_error,
    encode_query,
    encode_response,
    may_be_krpc,
)
from torrentd.dht.node_id import NodeId
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.errors import KrpcError, ProtocolError

TARGET = NodeId(b"mnopqrstuvwxyz123456")


def arguments_of(data: bytes) -> Arguments:
    message = decode_message(data)
    assert isinstance(message, Query)
    return decode_arguments(message)


def refused(data: bytes) -> int:
    with pytest.raises(KrpcError) as error:
        arguments_of(data)
    return error.value.code


def reply(values: dict[bytes, Bencoded], **more: Bencoded) -> Response:
    outer: dict[bytes, Bencoded] = {b"r": {b"id": THEIR_ID, **values}, b"t": b"aa", b"y": b"r"}
    message = decode_message(encode(outer | {key.encode(): more[key] for key in more}))
    assert isinstance(message, Response)
    return message


class TestQueries:
    def test_the_examples_of_the_bep(self) -> None:
        assert arguments_of(BEP5["ping query"]) == Ping(THEIR_ID)
        assert arguments_of(BEP5["find_node query"]) == FindNode(THEIR_ID, TARGET, ())
        assert arguments_of(BEP5["get_peers query"]) == GetPeers(THEIR_ID, INFOHASH, ())
        announce = AnnouncePeer(THEIR_ID, INFOHASH, None, b"aoeusnth")
        assert arguments_of(BEP5["announce_peer query"]) == announce

    @pytest.mark.parametrize("size", [0, 1, 2, 4, 8, 20, 255])
    def test_a_transaction_id_of_any_length_is_kept(self, size: int) -> None:
        message = decode_message(query(b"ping", {}, transaction_id=bytes(size)))
        assert message.transaction_id == bytes(size)

    def test_an_unknown_method_is_204(self) -> None:
        assert refused(query(b"vote", {})) == 204
        assert refused(query(b"", {})) == 204

    @pytest.mark.parametrize("sender", [b"", bytes(19), bytes(21)])
    def test_an_id_that_is_none_is_203(self, sender: bytes) -> None:
        assert refused(query(b"ping", {}, sender=sender)) == 203

    @pytest.mark.parametrize("value", [b"", bytes(19), bytes(21), 20, [], {}])
    def test_a_target_or_infohash_that_is_none_is_203(self, value: Bencoded) -> None:
        assert refused(query(b"find_node", {b"target": value})) == 203
        assert refused(query(b"get_peers", {b"info_hash": value})) == 203

    @pytest.mark.parametrize("port", [0, -1, 65536, 2**40, b"80", []])
    def test_an_announced_port_is_1_to_65535(self, port: Bencoded) -> None:
        """libtorrent stores port 0."""
        given: dict[bytes, Bencoded] = {b"info_hash": INFOHASH, b"token": b"x", b"port": port}
        assert refused(query(b"announce_peer", given)) == 203
        implied = arguments_of(query(b"announce_peer", given | {b"implied_port": 1}))
        assert isinstance(implied, AnnouncePeer) and implied.port is None

    @pytest.mark.parametrize("port", [1, 1023, 1024, 65535])
    def test_implied_port_0_means_the_port_argument(self, port: int) -> None:
        given: dict[bytes, Bencoded] = {
            b"implied_port": 0,
            b"info_hash": INFOHASH,
            b"port": port,
            b"token": b"x",
        }
        assert arguments_of(query(b"announce_peer", given)) == AnnouncePeer(
            THEIR_ID, INFOHASH, port, b"x"
        )

    @pytest.mark.parametrize("token", [None, 5, bytes(65)])
    def test_a_token_is_a_short_string(self, token: int | bytes | None) -> None:
        given: dict[bytes, Bencoded] = {b"info_hash": INFOHASH, b"port": 6881}
        if token is not None:
            given[b"token"] = token
        assert refused(query(b"announce_peer", given)) == 203

    @pytest.mark.parametrize(("want", "families"), WANT)
    def test_want(self, want: bytes, families: tuple[str, ...]) -> None:
        start = b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz1234564:want"
        found = arguments_of(start + want + b"e1:q9:find_node1:t2:aa1:y1:qe")
        assert isinstance(found, FindNode) and found.want == families

    def test_read_only_is_one_and_nothing_else(self) -> None:
        """BEP 43: "sets its value to 1"."""
        ro: list[Bencoded] = [1, 0, 2, b"1"]
        messages = [decode_message(query(b"ping", {}, ro=value)) for value in ro]
        assert [m.read_only for m in messages if isinstance(m, Query)] == [True] + 3 * [False]


class TestResponses:
    def test_the_examples_of_the_bep(self) -> None:
        message = decode_message(BEP5["get_peers response with peers"])
        assert message == Response(
            b"aa",
            THEIR_ID,
            peers=[Address("97.120.106.101", 11893), Address("105.100.104.116", 28269)],
            token=b"aoeusnth",
        )
        assert decode_message(BEP5["ping response"]) == Response(b"aa", TARGET)

    @pytest.mark.parametrize("data", PLACEHOLDERS)
    def test_nodes_that_are_no_multiple_of_26_bytes_are_refused(self, data: bytes) -> None:
        with pytest.raises(ProtocolError):
            decode_message(data)

    def test_one_node_and_one_peer(self) -> None:
        node = decode_message(ONE_NODE)
        assert isinstance(node, Response)
        assert [(n, a.host, a.port) for n, a in node.nodes] == [ONE_NODE_IS]
        peer = decode_message(ONE_PEER)
        assert isinstance(peer, Response) and peer.peers == [ONE_PEER_IS]

    def test_hybrid_values_are_parsed(self) -> None:
        """BEP 32: "must be able to properly parse hybrid values lists"."""
        data = b"d1:rd2:id20:" + THEIR_ID + b"6:values" + MIXED_VALUES + b"e1:t2:aa1:y1:re"
        message = decode_message(data)
        assert isinstance(message, Response) and message.peers == MIXED_VALUES_ARE

    @pytest.mark.parametrize("value", [b"", bytes(5), bytes(7), bytes(17), 6, []])
    def test_a_value_that_is_no_address_spoils_the_reply(self, value: Bencoded) -> None:
        with pytest.raises(ProtocolError):
            reply({b"values": [value]})

    def test_what_a_reply_may_carry_is_bounded(self) -> None:
        assert len(reply({b"nodes": bytes(26 * 60)}).nodes) == NODES_MAX
        assert len(reply({b"values": [bytes(6)] * 230}).peers) == VALUES_MAX
        assert reply({b"token": bytes(65)}).token is None
        with pytest.raises(ProtocolError):
            reply({b"values": [bytes(6)] * 500})  # beyond the tokens of a datagram

    @pytest.mark.parametrize(
        ("ip", "external"),
        [
            (b"\x05\x06\x07\x08\x1a\xe1", Address("5.6.7.8", 6881)),
            (b"\x2a" + bytes(14) + b"\x01\x1a\xe1", Address("2a00::1", 6881)),
            (b"\x05\x06\x07\x08", None),
            (b"", None),
        ],
    )
    def test_ip_is_compact_and_at_the_top_level(self, ip: bytes, external: Address | None) -> None:
        assert reply({}, ip=ip).external == external
        assert reply({b"ip": ip}).external is None

    def test_unknown_keys_do_not_matter(self) -> None:
        message = decode_message(SAMPLE_INFOHASHES_RESPONSE)
        assert message == Response(b"hello", NodeId(b"hellohellohellohello"))


class TestErrors:
    def test_the_example_of_the_bep(self) -> None:
        assert decode_message(BEP5["error"]) == ErrorReply(b"aa", 201)

    def test_an_error_needs_its_code(self) -> None:
        with pytest.raises(ProtocolError):
            decode_message(ERROR_WITHOUT_CODE)

    @pytest.mark.parametrize("code", [201, 202, 203, 204])
    def test_round_trip(self, code: int) -> None:
        assert decode_message(encode_error(b"xyz", code, "why")) == ErrorReply(b"xyz", code)


class TestMalformed:
    @pytest.mark.parametrize("data", [BIT_ERRORS, READ_ONLY_WITHOUT_MEANING, b"de", b""])
    def test_what_is_no_message_is_refused(self, data: bytes) -> None:
        with pytest.raises(ProtocolError):
            decode_message(data)

    @pytest.mark.parametrize("data", [*BEP5.values(), ONE_NODE, ONE_PEER])
    def test_every_truncation_and_every_flipped_bit_is_refused_or_decoded(
        self, data: bytes
    ) -> None:
        for cut in range(len(data)):
            with pytest.raises(ProtocolError):
                decode_message(data[:cut])
        for bit in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            try:
                message = decode_message(bytes(flipped))
                if isinstance(message, Query):
                    decode_arguments(message)
            except ProtocolError:
                pass

    def test_the_prefilter_lets_every_example_in(self) -> None:
        assert all(may_be_krpc(data) for data in BEP5.values())

    @pytest.mark.parametrize(
        "data", [b"", b"d", b"d1:y1:qe", b"d" + bytes(2047) + b"e", b"l" + bytes(50) + b"e",
                 b"d" + bytes(50), b"\x41\x00" + bytes(30)]
    )  # fmt: skip
    def test_the_prefilter_stops_what_cannot_be_krpc(self, data: bytes) -> None:
        assert not may_be_krpc(data)


class TestEncoding:
    def test_a_query_carries_our_version_and_ro_only_when_read_only(self) -> None:
        plain = encode_query(b"aa", b"ping", {b"id": THEIR_ID}, read_only=False)
        assert plain == b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:v4:TD\x01\x001:y1:qe"
        message = decode_message(encode_query(b"aa", b"ping", {b"id": THEIR_ID}, read_only=True))
        assert isinstance(message, Query) and message.read_only

    def test_a_response_tells_the_asker_its_address(self) -> None:
        data = encode_response(b"aa", {b"id": TARGET}, Address("5.6.7.8", 6881))
        assert data == (
            b"d2:ip6:\x05\x06\x07\x08\x1a\xe11:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa"
            b"1:v4:TD\x01\x001:y1:re"
        )
