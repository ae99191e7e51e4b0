"""Mutable torrents on record (BEP 46): what is followed and published, over restarts."""

from dataclasses import dataclass

from torrentd.dht.items import MutableItem, target_of
from torrentd.dht.signatures import is_signed
from torrentd.wire.formats.bencode import (
    STATE_LIMITS,
    Bencoded,
    decode_dict,
    encode,
    get_bytes,
    get_int,
    get_list,
)
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import ID_BYTES, InfoHash

POINTERS_MAX = 200


@dataclass(slots=True)
class Pointer:
    """`item` is the newest that is known. Followed: `infohash` is the torrent that stands for it
    here, `leaving` the one before, until it is gone; `owned`: we added it, so we may remove it."""

    key: bytes
    salt: bytes
    followed: bool
    item: MutableItem | None = None
    infohash: InfoHash | None = None
    leaving: InfoHash | None = None
    moving: bool = False
    owned: bool = False
    download_dir: str | None = None

    @property
    def target(self) -> bytes:
        return target_of(self.key, self.salt)


def encode_pointers(pointers: list[Pointer]) -> bytes:
    return encode({b"pointers": [_encode(pointer) for pointer in pointers]})


def decode_pointers(data: bytes) -> list[Pointer]:
    """Raises ProtocolError; an entry that makes no sense is left out."""
    entries = get_list(decode_dict(data, STATE_LIMITS), b"pointers") or []
    decoded = [_decode(entry) for entry in entries[:POINTERS_MAX] if isinstance(entry, dict)]
    return [pointer for pointer in decoded if pointer is not None]


def _encode(pointer: Pointer) -> Bencoded:
    entry: dict[bytes, Bencoded] = {
        b"followed": int(pointer.followed),
        b"key": pointer.key,
        b"moving": int(pointer.moving),
        b"owned": int(pointer.owned),
        b"salt": pointer.salt,
    }
    if pointer.item is not None:
        entry |= {
            b"seq": pointer.item.seq,
            b"sig": pointer.item.signature,
            b"value": pointer.item.value,
        }
    if pointer.infohash is not None:
        entry[b"infohash"] = pointer.infohash
    if pointer.leaving is not None:
        entry[b"leaving"] = pointer.leaving
    if pointer.download_dir is not None:
        entry[b"dir"] = pointer.download_dir.encode()
    return entry


def _decode(entry: dict[bytes, Bencoded]) -> Pointer | None:
    key, salt = get_bytes(entry, b"key"), get_bytes(entry, b"salt", 64)
    if key is None or salt is None or len(key) != 32:
        return None
    directory = get_bytes(entry, b"dir", 4096)
    try:
        return Pointer(
            key,
            salt,
            get_int(entry, b"followed", 1, 1) is not None,
            _item(entry, key, salt),
            _infohash(entry, b"infohash"),
            _infohash(entry, b"leaving"),
            get_int(entry, b"moving", 1, 1) is not None,
            get_int(entry, b"owned", 1, 1) is not None,
            directory.decode() if directory is not None else None,
        )
    except (ProtocolError, UnicodeDecodeError):
        return None


def _item(entry: dict[bytes, Bencoded], key: bytes, salt: bytes) -> MutableItem | None:
    seq = get_int(entry, b"seq", 0, 2**63 - 1)
    signature, value = get_bytes(entry, b"sig", 64), get_bytes(entry, b"value", 1000)
    if seq is None or signature is None or value is None:
        return None
    item = MutableItem(key, salt, seq, value, signature)
    return item if is_signed(item) else None


def _infohash(entry: dict[bytes, Bencoded], key: bytes) -> InfoHash | None:
    data = get_bytes(entry, key)
    return InfoHash(data) if data is not None and len(data) == ID_BYTES else None
