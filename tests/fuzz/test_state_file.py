"""State files under mutated inputs (F11; T10): ProtocolError, or exactly what was saved. Once as
the disk damages them, once as somebody would who can compute a checksum. No BEP applies."""

import hashlib

from tests.fuzz.mutate import INPUTS, check_parser
from tests.vectors.resume import GOLDEN
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.store.paths import check_names
from torrentd.wire.store.resume import decode_state, encode_state

SEEDS = list(GOLDEN.values())
BODY = 8 + 4 + 8 + 8 + 32
STATES = [decode_state(seed) for seed in SEEDS]


def _damaged(data: bytes) -> None:
    assert decode_state(data) in STATES  # nothing else gets past the checksum: no false "have"


def test_no_damaged_state_file_is_believed() -> None:
    check_parser(_damaged, SEEDS, count=INPUTS // 2)


def _forged(body: bytes) -> None:
    head = SEEDS[0][:20] + len(body).to_bytes(8)
    checksum = hashlib.blake2b(head + body, digest_size=32).digest()
    state = decode_state(head + checksum + body)
    assert len(Bitfield.from_bytes(state.have, state.piece_count)) <= state.piece_count
    check_names(state.names)
    assert decode_state(encode_state(state)) == state


def test_no_forged_state_file_raises_anything_else() -> None:
    check_parser(_forged, [seed[BODY:] for seed in SEEDS], count=INPUTS // 2)
