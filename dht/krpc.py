"""KRPC: queries, responses and errors <-> datagrams (BEP 5; `want`, `nodes6` of BEP 32; `scrape`,
`noseed` and `seed` of BEP 33; `ip` of BEP 42; `ro` of BEP 43; `get` and `put` of BEP 44;
`sample_infohashes` of BEP 51).

`decode_message` tells who may be answered: a Query carries its transaction id even when its
arguments are wrong (`decode_arguments` finds that out, and the error goes back); whatever else is
malformed raises KrpcError and is dropped.
"""

from dataclasses import dataclass, field
from typing import Final

from torrentd.dht.contact import COMPACT_IPV4_BYTES, COMPACT_IPV6_BYTES, decode_nodes
from torrentd.dht.item_messages import item_of_put
from torrentd.dht.items import SEQ_MAX, Item
from torrentd.dht.node_id import NodeId
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address, pack_address, unpack_address
from torrentd.wire.formats.bencode import (
    KRPC_LIMITS,
    Bencoded,
    decode_dict,
    encode,
    get_bytes,
    get_dict,
    get_int,
    get_list,
)
from torrentd.wire.formats.errors import KrpcError
from torrentd.wire.formats.ids import ID_BYTES, InfoHash

VERSION: Final = b"TD\x01\x00"  # `v`: two letters registered in BEP 20's manner, two of version
DATAGRAM_BYTES_MIN: Final = 20  # nothing shorter is a KRPC message
DATAGRAM_BYTES_MAX: Final = 2048  # of a datagram taken
PING_BYTES: Final = 72  # of a query of ours that is a ping, at most
SENT_BYTES_MAX: Final = 1024  # BEP 32: "must not send … larger than 1024 octets"
NODES_MAX: Final = 20  # taken of one reply; honest ones carry 8, routers 16
VALUES_MAX: Final = 200  # taken of one reply; 1,024 octets hold about 100
TOKEN_BYTES_MAX: Final = 64  # of others' tokens, which we keep and echo; seen: 4 to 20
EXTERNAL_BYTES: Final = (6, 18)

GENERIC_ERROR: Final = 201
SERVER_ERROR: Final = 202
PROTOCOL_ERROR: Final = 203
METHOD_UNKNOWN: Final = 204

METHODS: Final = (
    *(b"ping", b"find_node", b"get_peers", b"announce_peer"),
    *(b"get", b"put", b"sample_infohashes"),
)
_WANT: Final[dict[bytes, Family]] = {b"n4": "ipv4", b"n6": "ipv6"}
_WANTED: Final[dict[Family, bytes]] = {"ipv4": b"n4", "ipv6": b"n6"}


@dataclass(slots=True)
class Query:
    """`arguments` as they came; `node_id` is None when it is not an id, for `decode_arguments` to
    complain about. `read_only`: the sender must not enter our table (BEP 43)."""

    transaction_id: bytes
    method: bytes
    arguments: dict[bytes, Bencoded]
    node_id: bytes | None
    read_only: bool = False
    datagram: bytes = field(default=b"", repr=False, compare=False)


@dataclass(slots=True)
class Response:
    transaction_id: bytes
    node_id: NodeId
    nodes: list[tuple[NodeId, Address]] = field(default_factory=list)  # of both families
    peers: list[Address] = field(default_factory=list)
    token: bytes | None = None
    external: Address | None = None  # how the sender sees us (BEP 42)
    values: dict[bytes, Bencoded] = field(default_factory=dict, compare=False)  # all of `r`


@dataclass(slots=True)
class ErrorReply:
    transaction_id: bytes
    code: int


Message = Query | Response | ErrorReply


@dataclass(slots=True)
class Ping:
    node_id: NodeId


@dataclass(slots=True)
class FindNode:
    node_id: NodeId
    target: NodeId
    want: tuple[Family, ...]  # empty: the family of the network layer (BEP 32)


@dataclass(slots=True)
class GetPeers:
    node_id: NodeId
    infohash: InfoHash
    want: tuple[Family, ...]
    scrape: bool = False  # BEP 33: Bloom filters of what is stored are wanted
    no_seeds: bool = False  # BEP 33: a seed has no use for seeds


@dataclass(slots=True)
class AnnouncePeer:
    """`port` is None when implied: "the source port of the UDP packet should be used"."""

    node_id: NodeId
    infohash: InfoHash
    port: int | None
    token: bytes
    is_seed: bool = False  # BEP 33


@dataclass(slots=True)
class GetItem:
    """BEP 44. `seq` is the number that the asker has; only a newer item is of use to it."""

    node_id: NodeId
    target: NodeId
    seq: int | None
    want: tuple[Family, ...]


@dataclass(slots=True)
class PutItem:
    """BEP 44. The item is of right size; its signature is not verified. `cas` is the number of the
    one that it may replace."""

    node_id: NodeId
    item: Item
    cas: int | None
    token: bytes


@dataclass(slots=True)
class SampleInfohashes:
    """BEP 51."""

    node_id: NodeId
    target: NodeId
    want: tuple[Family, ...]


Arguments = Ping | FindNode | GetPeers | AnnouncePeer | GetItem | PutItem | SampleInfohashes


def may_be_krpc(data: bytes) -> bool:
    """Cheap, before any decode: the length of a message, and a dictionary by its first and last
    byte. What fails here never costs more than this."""
    return (
        DATAGRAM_BYTES_MIN <= len(data) <= DATAGRAM_BYTES_MAX
        and data[0] == 0x64
        and data[-1] == 0x65
    )


def decode_message(data: bytes) -> Message:
    message = decode_dict(data, KRPC_LIMITS)
    transaction_id = get_bytes(message, b"t")
    if transaction_id is None:
        raise KrpcError("a message without a transaction id")
    match get_bytes(message, b"y"):
        case b"q":
            return _decode_query(message, transaction_id, data)
        case b"r":
            return _decode_response(message, transaction_id)
        case b"e":
            return _decode_error(message, transaction_id)
        case _:
            raise KrpcError("neither a query nor a response nor an error")


def _decode_query(message: dict[bytes, Bencoded], transaction_id: bytes, datagram: bytes) -> Query:
    arguments = get_dict(message, b"a") or {}
    node_id = get_bytes(arguments, b"id", ID_BYTES)
    return Query(
        transaction_id,
        get_bytes(message, b"q") or b"",
        arguments,
        node_id if node_id is not None and len(node_id) == ID_BYTES else None,
        read_only=get_int(message, b"ro", 1, 1) is not None,
        datagram=datagram,
    )


def _decode_error(message: dict[bytes, Bencoded], transaction_id: bytes) -> ErrorReply:
    parts = get_list(message, b"e")
    if not parts or not isinstance(parts[0], int):
        raise KrpcError("an error without a code")
    return ErrorReply(transaction_id, parts[0])


def _decode_response(message: dict[bytes, Bencoded], transaction_id: bytes) -> Response:
    values = get_dict(message, b"r")
    if values is None:
        raise KrpcError("a response without values")
    response = Response(transaction_id, NodeId(get_bytes(values, b"id") or b""))
    for key, size in ((b"nodes", COMPACT_IPV4_BYTES), (b"nodes6", COMPACT_IPV6_BYTES)):
        response.nodes += decode_nodes(get_bytes(values, key) or b"", size, NODES_MAX)
    response.peers = _decode_peers(get_list(values, b"values") or [])
    response.token = get_bytes(values, b"token", TOKEN_BYTES_MAX)
    response.values = values
    external = get_bytes(message, b"ip")
    if external is not None and len(external) in EXTERNAL_BYTES:
        response.external = unpack_address(external)
    return response


def _decode_peers(values: list[Bencoded]) -> list[Address]:
    """BEP 32: "must be able to properly parse hybrid values lists"."""
    peers = []
    for value in values[:VALUES_MAX]:
        if not isinstance(value, bytes) or len(value) not in (6, 18):
            raise KrpcError("a peer that is no compact address")
        peers.append(unpack_address(value))
    return peers


def decode_arguments(query: Query) -> Arguments:
    """The arguments, checked. Raises KrpcError with the code for the error reply."""
    if query.method not in METHODS:
        raise KrpcError("Method Unknown", METHOD_UNKNOWN)
    if query.node_id is None:
        raise KrpcError("id is not 20 bytes")
    node_id = NodeId(query.node_id)
    match query.method:
        case b"ping":
            return Ping(node_id)
        case b"find_node":
            target = NodeId(_id_argument(query, b"target"))
            return FindNode(node_id, target, _want(query.arguments))
        case b"get_peers":
            infohash = InfoHash(_id_argument(query, b"info_hash"))
            scrape, no_seeds = (_is_set(query, key) for key in (b"scrape", b"noseed"))
            return GetPeers(node_id, infohash, _want(query.arguments), scrape, no_seeds)
        case b"announce_peer":
            return _announce_arguments(query, node_id)
        case b"put":
            return _put_arguments(query, node_id)
        case b"get":
            seq = get_int(query.arguments, b"seq", 0, SEQ_MAX)
            target = NodeId(_id_argument(query, b"target"))
            return GetItem(node_id, target, seq, _want(query.arguments))
        case _:
            target = NodeId(_id_argument(query, b"target"))
            return SampleInfohashes(node_id, target, _want(query.arguments))


def _is_set(query: Query, key: bytes) -> bool:
    """BEP 33: "if … the value was not 1 then it should assume" the contrary."""
    return get_int(query.arguments, key, 1, 1) is not None


def _id_argument(query: Query, key: bytes) -> bytes:
    value = get_bytes(query.arguments, key)
    if value is None or len(value) != ID_BYTES:
        raise KrpcError(f"{key.decode()} is not 20 bytes")
    return value


def _want(arguments: dict[bytes, Bencoded]) -> tuple[Family, ...]:
    """BEP 32: unknown strings are ignored, each known one counts once."""
    wanted: dict[Family, None] = {}
    for item in get_list(arguments, b"want") or []:
        if isinstance(item, bytes) and item in _WANT:
            wanted[_WANT[item]] = None
    return tuple(wanted)


def _announce_arguments(query: Query, node_id: NodeId) -> AnnouncePeer:
    """BEP 5: implied_port "present and non-zero": "the port argument should be ignored"."""
    token = get_bytes(query.arguments, b"token", TOKEN_BYTES_MAX)
    if token is None:
        raise KrpcError("no token")
    port: int | None = None
    if query.arguments.get(b"implied_port", 0) in (0, b""):
        port = get_int(query.arguments, b"port", 1, 65535)
        if port is None:
            raise KrpcError("port is not 1 to 65535")
    infohash = InfoHash(_id_argument(query, b"info_hash"))
    return AnnouncePeer(node_id, infohash, port, token, _is_set(query, b"seed"))


def _put_arguments(query: Query, node_id: NodeId) -> PutItem:
    token = get_bytes(query.arguments, b"token", TOKEN_BYTES_MAX)
    if token is None:
        raise KrpcError("no token")
    item = item_of_put(query.arguments, query.datagram)
    return PutItem(node_id, item, get_int(query.arguments, b"cas", 0, SEQ_MAX), token)


def want_argument(families: tuple[Family, ...]) -> list[Bencoded]:
    return [_WANTED[family] for family in families]


def encode_query(
    transaction_id: bytes, method: bytes, arguments: dict[bytes, Bencoded], *, read_only: bool
) -> bytes:
    message: dict[bytes, Bencoded] = {
        b"a": arguments,
        b"q": method,
        b"t": transaction_id,
        b"v": VERSION,
        b"y": b"q",
    }
    if read_only:
        message[b"ro"] = 1
    return encode(message)


def encode_response(transaction_id: bytes, values: dict[bytes, Bencoded], to: Address) -> bytes:
    """`ip` tells the querying node how we see it (BEP 42)."""
    return encode(
        {
            b"ip": pack_address(to),
            b"r": values,
            b"t": transaction_id,
            b"v": VERSION,
            b"y": b"r",
        }
    )


def encode_error(transaction_id: bytes, code: int, reason: str) -> bytes:
    error: list[Bencoded] = [code, reason.encode()]
    return encode({b"e": error, b"t": transaction_id, b"v": VERSION, b"y": b"e"})
