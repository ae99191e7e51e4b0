"""A peer that sends anything, cut anywhere (BEP 3, 5, 6, 9, 10, 11; security T07).

No input raises, none makes the connection keep more than it may, and where the stream was cut
changes nothing: neither the events, nor the state, nor what is answered.
"""

import random

from tests.fuzz.mutate import INPUTS, SEED, Mutator, shared_seeds
from tests.vectors.wire import INVALID, MESSAGES
from torrentd.config.schema import Limits
from torrentd.wire.formats import messages
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.extension import ExtensionHandshake, encode_extension_handshake
from torrentd.wire.formats.geometry import BlockRef, Geometry
from torrentd.wire.formats.handshake import Handshake, encode_handshake
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.formats.metadata import MetadataRequest, encode_metadata
from torrentd.wire.formats.pex import Pex, encode_pex
from torrentd.wire.peer import events
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import (
    BlockReceived,
    BlocksReceived,
    BlocksRequested,
    ConnectionFailed,
    Event,
    HandshakeCompleted,
)

KEPT_BYTES_MAX = 300 * 1024
VARIANTS = 8  # with BEP 6 or without, before the metadata or after, with places for blocks or not
LIMITS = Limits()
GEOMETRY = Geometry(piece_length=96, total_bytes=1000)  # small, so that whole blocks fit a mutant
ADDRESS = Address("80.4.4.200", 6881)
INFOHASH = InfoHash(b"\xaa" * 20)
BLOCKS = [GEOMETRY.block(piece_index, 0) for piece_index in range(8)]
# What the inputs must have reached, or they try nothing; a tuple is a block.
KINDS = [
    tuple,
    events.Choked,
    events.Unchoked,
    events.InterestChanged,
    events.PiecesChanged,
    events.Have,
    events.UnrequestedBlock,
    events.RequestRejected,
    events.AllowedFast,
    events.ExtensionHandshakeReceived,
    events.MetadataMessage,
    events.PexReceived,
    events.PortReceived,
    events.ConnectionFailed,
]
OPENINGS = [
    encode_handshake(Handshake(INFOHASH, PeerId(b"p" * 20), extension=True, fast=fast, dht=True))
    for fast in (True, False)
]


def _piece(block: BlockRef) -> bytes:
    return messages.encode_piece_header(*block) + bytes([block.piece_index]) * block.length


def _stream() -> bytes:
    """An honest conversation: what a mutant should look like but for its mutation."""
    pex = Pex([(Address("9.8.7.6", 6881), 0)], [])
    theirs = ExtensionHandshake({"ut_pex": 3, "ut_metadata": 4}, metadata_size=500, reqq=100)
    return b"".join(
        [
            messages.encode_extended(0, encode_extension_handshake(theirs)),
            messages.encode_bitfield(b"\xff\xe0"),
            messages.encode_unchoke(),
            _piece(BLOCKS[0]),
            _piece(BLOCKS[1]),
            messages.encode_interested(),
            messages.encode_requests(BLOCKS[:3]),
            messages.encode_cancel(BLOCKS[1]),
            messages.encode_extended(1, encode_pex(pex)),
            messages.encode_extended(2, encode_metadata(MetadataRequest(0))),
            messages.encode_port(6881),
            messages.encode_reject(BLOCKS[2]),
            messages.encode_choke(),
            messages.KEEP_ALIVE,
            _piece(BLOCKS[3]),
        ]
    )


SEEDS = [
    _stream(),
    *(bytes.fromhex(text) for _, text, *_ in MESSAGES),
    *(bytes.fromhex(text) for _, text in INVALID),
    *(_piece(block) for block in BLOCKS),
    *(messages.encode_reject(block) for block in BLOCKS),
    messages.encode_have_all() + messages.encode_allowed_fast(3),
    messages.encode_have(3) + messages.encode_have(10),
    *shared_seeds("peer_wire"),
]


def _begin(variant: int) -> PeerConnection:
    connection = PeerConnection(
        ADDRESS, outgoing=False, peer_id=PeerId(b"u" * 20), infohash=None, limits=LIMITS, now=0.0
    )
    connection.receive_data(memoryview(OPENINGS[variant & 1]), 0.0)
    connection.accept(INFOHASH, 0.0)
    if variant & 2:
        connection.set_geometry(GEOMETRY, 0.0)
        connection.send_unchoke(0.0)
        connection.send_requests(BLOCKS, 0.0)
    if variant & 4:
        connection.piece_buffers = {
            index: memoryview(bytearray(GEOMETRY.piece_size(index)))
            for index in range(GEOMETRY.piece_count)
        }
    return connection


def _take(connection: PeerConnection, parts: list[bytes]) -> list[object]:
    """Events as comparable values; `BlocksRequested` is once a call by its nature, so it is told by
    the state instead. Each part lies in a buffer that is overwritten as soon as it was read."""
    told: list[object] = []
    for part in parts:
        buffer = bytearray(part)
        for event in connection.receive_data(memoryview(buffer), 1.0):
            if isinstance(event, BlockReceived):
                told.append((event.piece_index, event.begin, bytes(event.data)))
            elif isinstance(event, BlocksReceived):
                told += [(event.piece_index, begin) for begin in event.begins]
            elif not isinstance(event, BlocksRequested):
                told.append(event)
        buffer[:] = b"\xee" * len(buffer)
        assert connection.kept_bytes <= KEPT_BYTES_MAX
    return told


def _state(connection: PeerConnection) -> list[object]:
    return [
        list(connection.owed),
        list(connection.outstanding),
        connection.pieces,
        list(connection.allowed_fast_in),
        (connection.peer_choking, connection.peer_interested, connection.is_seed),
        (connection.downloaded_bytes, connection.wasted_bytes),
        [bytes(buffer) for buffer in connection.piece_buffers.values()],
        b"".join(connection.data_to_send()),
    ]


def _cut(data: bytes, rng: random.Random) -> list[bytes]:
    """Anything from byte by byte to a single cut."""
    longest = rng.choice((1 if len(data) < 100 else 20, 60, len(data), len(data)))
    parts = []
    at = 0
    while at < len(data):
        size = 1 + int(rng.random() * longest)
        parts.append(data[at : at + size])
        at += size
    return parts


def test_no_bytes_of_a_peer_raise_and_chunking_changes_nothing() -> None:
    rng = random.Random(SEED)
    mutator = Mutator([seed for seed in SEEDS for _ in range(VARIANTS)], rng)
    failed = 0
    kinds: dict[type, int] = {}
    for number, data in enumerate(mutator.inputs(INPUTS)):
        cut = _begin(number)
        try:
            told = _take(cut, _cut(data, rng))
            if number % (2 * VARIANTS) < VARIANTS:  # every other one, to halve the price
                whole = _begin(number)
                assert _take(whole, [data]) == told
                assert _state(whole) == _state(cut)
        except Exception as error:
            raise AssertionError(f"variant {number % VARIANTS}, input {data!r}") from error
        for event in told:
            kinds[type(event)] = kinds.get(type(event), 0) + 1
        if told and isinstance(told[-1], ConnectionFailed):
            failed += 1
        elif told and len(data) < 1200:
            mutator.keep(data)
    assert 0 < failed < INPUTS
    missing = [kind.__name__ for kind in KINDS if kind not in kinds]
    assert not missing, f"never reached: {missing}"


def test_no_bytes_before_the_handshake_raise() -> None:
    rng = random.Random(SEED)
    mutator = Mutator([opening + _stream() for opening in OPENINGS], rng)
    completed = 0
    for data in mutator.inputs(INPUTS // 20):
        results = []
        for parts in ([data], _cut(data, rng)):
            connection = PeerConnection(
                ADDRESS,
                outgoing=True,
                peer_id=PeerId(b"u" * 20),
                infohash=INFOHASH,
                limits=LIMITS,
                now=0.0,
            )
            results.append(_take(connection, parts))
        assert results[0] == results[1], data
        completed += any(isinstance(event, HandshakeCompleted) for event in results[0])
    assert 0 < completed < INPUTS // 20


def _told_failed(told: list[Event]) -> bool:
    return bool(told) and isinstance(told[-1], ConnectionFailed)


def test_a_flood_of_any_one_message_ends_or_stays_small() -> None:
    """Security W5, W9: a million of the same cost a bounded amount of memory, or the connection."""
    for name, text, *_ in MESSAGES:
        connection = _begin(3)
        data = memoryview(bytes.fromhex(text) * 2000)
        for second in range(50):
            if _told_failed(connection.receive_data(data, 2.0 + second / 100)):
                break
            assert len(connection.owed) <= LIMITS.requests_queued_max
            sent = sum(map(len, connection.data_to_send()))
            assert sent <= 2000 * 17, name
        else:
            raise AssertionError(f"a flood of {name} is suffered for ever")
