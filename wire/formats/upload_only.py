"""The message by which a peer says that it wants nothing, or something again (BEP 21).

BEP 21 has only the key of the extension handshake, which can be set and not taken back. libtorrent,
whose authors wrote it, sends this extended message too whenever that changes: one byte, 0 or not.
"""

from torrentd.wire.formats.errors import ExtensionError


def encode_upload_only(upload_only: bool) -> bytes:
    """The payload of an extended `upload_only` message."""
    return b"\x01" if upload_only else b"\x00"


def decode_upload_only(payload: bytes) -> bool:
    """The inverse. Raises ExtensionError for anything but one byte."""
    if len(payload) != 1:
        raise ExtensionError("upload_only that is not one byte")
    return payload != b"\x00"
