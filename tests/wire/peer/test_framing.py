"""Length prefixes (BEP 3), their table (security W1), and the message that is not whole yet."""

import random

import pytest

from tests.vectors.wire import INVALID, MESSAGES
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.messages import KEEP_ALIVE, encode_bitfield, encode_extended
from torrentd.wire.peer.framing import EXTENDED_BYTES_MAX, Framing


def _size(framing: Framing, data: bytes) -> int:
    return framing.message_size(memoryview(data), 0, len(data))


def _split(data: bytes, framing: Framing, sizes: list[int]) -> list[bytes]:
    """The messages in `data`, which comes in parts of these sizes, as a connection takes them."""
    found: list[bytes] = []
    at = 0
    for size in sizes:
        part = memoryview(bytearray(data[at : at + size]))
        at += size
        if framing.kept_bytes:
            message, taken = framing.complete(part)
            if message is None:
                assert taken == len(part)
                continue
            found.append(bytes(message))
            part = part[taken:]
        while part:
            size = framing.message_size(part, 0, len(part))
            if size > len(part):
                framing.keep(part)
                break
            found.append(bytes(part[:size]))
            part = part[size:]
    return found


@pytest.mark.parametrize("name, text", [(name, text) for name, text, *_ in MESSAGES])
def test_the_size_is_known_from_the_whole_message_and_asked_for_from_its_head(
    name: str, text: str
) -> None:
    data = bytes.fromhex(text)
    framing = Framing()
    assert _size(framing, data) == len(data)
    for available in range(len(data)):
        size = framing.message_size(memoryview(data), 0, available)
        assert available < size <= len(data), name


@pytest.mark.parametrize("name, text", INVALID)
def test_what_the_table_forbids_is_refused_before_its_payload_comes(name: str, text: str) -> None:
    head = bytes.fromhex(text)[:5]
    with pytest.raises(MessageError):
        for available in range(len(head) + 1):
            Framing().message_size(memoryview(head), 0, available)
    framing = Framing()
    with pytest.raises(MessageError):
        framing.keep(memoryview(head))
    assert framing.kept_bytes == 0


def test_a_length_no_message_has_is_refused_by_its_four_bytes_alone() -> None:
    with pytest.raises(MessageError):
        _size(Framing(), b"\xff\xff\xff\xff")


def test_a_bitfield_of_another_size_is_refused_by_its_head_once_the_torrent_is_known() -> None:
    framing = Framing()
    head = encode_bitfield(bytes(3))[:5]
    assert _size(framing, head) == 8
    framing.bitfield_length = 3
    with pytest.raises(MessageError):
        _size(framing, head)
    assert _size(framing, encode_bitfield(bytes(2))[:5]) == 7


def test_only_the_extension_handshake_may_be_larger_than_20_kib() -> None:
    most = encode_extended(3, bytes(EXTENDED_BYTES_MAX))
    assert _size(Framing(), most[:6]) == len(most)
    large = encode_extended(3, bytes(EXTENDED_BYTES_MAX + 1))
    assert _size(Framing(), large[:5]) == 6
    with pytest.raises(MessageError):
        _size(Framing(), large[:6])
    handshake = encode_extended(0, bytes(60_000))
    assert _size(Framing(), handshake[:6]) == len(handshake)


def test_every_way_to_cut_a_stream_gives_the_same_messages() -> None:
    messages = [bytes.fromhex(text) for _, text, *_ in MESSAGES] + [KEEP_ALIVE] * 3
    stream = b"".join(messages)
    for size in range(1, 60):
        parts = [size] * (len(stream) // size + 1)
        assert _split(stream, Framing(), parts) == messages
    rng = random.Random(7)
    for _ in range(200):
        parts = [rng.randint(1, 40) for _ in stream]
        assert _split(stream, Framing(), parts) == messages


def test_a_finished_message_stays_intact_while_the_next_one_begins_to_be_kept() -> None:
    framing = Framing()
    first, second = encode_bitfield(b"a" * 500), encode_bitfield(b"b" * 500)
    framing.keep(memoryview(first[:100]))
    message, taken = framing.complete(memoryview(first[100:] + second[:300]))
    assert message is not None and taken == len(first) - 100
    framing.keep(memoryview(second[:300]))
    assert bytes(message) == first
    finished, _ = framing.complete(memoryview(second[300:]))
    assert finished is not None
    assert bytes(finished) == second


def test_nothing_is_kept_after_the_end() -> None:
    framing = Framing()
    framing.keep(memoryview(encode_bitfield(bytes(200))[:50]))
    assert framing.kept_bytes == 50
    framing.drop()
    assert framing.kept_bytes == 0
