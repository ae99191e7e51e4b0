"""Extended messages (BEP 9, 10, 11) under mutated inputs: ExtensionError or a message within its
limits, which encodes and decodes to itself."""

from tests.fuzz.mutate import check_parser, shared_seeds
from tests.vectors.extension import (
    BEP10_HANDSHAKE,
    METADATA_DATA_HEADER,
    METADATA_HANDSHAKE,
    METADATA_INNER_END,
    METADATA_INVALID,
    METADATA_REJECT,
    METADATA_REQUEST,
    PEX_INVALID,
    PEX_ONE_PEER,
)
from torrentd.wire.formats.errors import ExtensionError
from torrentd.wire.formats.extension import (
    CLIENT_CHARS_MAX,
    NAMES_MAX,
    REQQ_MAX,
    ExtensionHandshake,
    decode_extension_handshake,
    encode_extension_handshake,
)
from torrentd.wire.formats.metadata import decode_metadata, encode_metadata
from torrentd.wire.formats.pex import CONTACTS_MAX, Pex, decode_pex, encode_pex

HANDSHAKE = encode_extension_handshake(
    ExtensionHandshake(
        message_ids={"ut_metadata": 2, "ut_pex": 1},
        metadata_size=31235,
        reqq=512,
        client="torrentd 0.1.0",
        listen_port=6881,
        your_host="1.2.3.4",
        upload_only=True,
    )
)


def _handshake(data: bytes) -> None:
    handshake = decode_extension_handshake(data)
    assert len(handshake.message_ids) <= NAMES_MAX
    assert all(0 <= message_id <= 255 for message_id in handshake.message_ids.values())
    assert handshake.reqq is None or 1 <= handshake.reqq <= REQQ_MAX
    assert len(handshake.client or "") <= CLIENT_CHARS_MAX
    assert (handshake.client or "").isprintable()
    assert decode_extension_handshake(encode_extension_handshake(handshake)) == handshake


def test_no_extension_handshake_raises_anything_else() -> None:
    seeds = [BEP10_HANDSHAKE, METADATA_HANDSHAKE, HANDSHAKE, *shared_seeds("ext")]
    check_parser(_handshake, seeds, ExtensionError)


def _metadata(data: bytes) -> None:
    message = decode_metadata(data)
    if message is not None:
        assert decode_metadata(encode_metadata(message)) == message


def test_no_ut_metadata_raises_anything_else() -> None:
    seeds = [METADATA_REQUEST, METADATA_REJECT, METADATA_DATA_HEADER, METADATA_INNER_END]
    seeds += [data for _, data in METADATA_INVALID] + shared_seeds("ext")
    check_parser(_metadata, seeds, ExtensionError)


def _pex(data: bytes) -> None:
    pex = decode_pex(data)
    assert len(pex.added) <= 2 * CONTACTS_MAX and len(pex.dropped) <= 2 * CONTACTS_MAX
    if len(pex.added) + len(pex.dropped) <= 10:  # a hundred contacts show no more and take longer
        again = decode_pex(encode_pex(pex))
        assert sorted(again.added) == sorted(pex.added)
        assert sorted(again.dropped) == sorted(pex.dropped)


def test_no_ut_pex_raises_anything_else() -> None:
    seeds = [PEX_ONE_PEER, encode_pex(Pex()), *(data for _, data in PEX_INVALID)]
    check_parser(_pex, seeds + shared_seeds("ext"), ExtensionError)
