"""The message by which a peer says that it no longer has a piece (BEP 54, lt_donthave)."""

from torrentd.wire.formats.errors import ExtensionError

INDEX_BYTES = 4


def encode_dont_have(piece_index: int) -> bytes:
    """The payload of an extended `lt_donthave` message: "the four-byte index of the piece"."""
    return piece_index.to_bytes(INDEX_BYTES)


def decode_dont_have(payload: bytes) -> int:
    """The inverse, a claim. Raises ExtensionError for anything but four bytes."""
    if len(payload) != INDEX_BYTES:
        raise ExtensionError("lt_donthave that is not four bytes")
    return int.from_bytes(payload)
