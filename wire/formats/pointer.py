"""Mutable torrents (BEP 46): the magnet that names one, and what is stored under its name.

`magnet:?xs=urn:btpk:KEY&s=SALT`, both in hex; the item there says which torrent it is at present.
"""

import re
from dataclasses import dataclass

from torrentd.wire.formats.bencode import Limits, decode, encode, get_bytes
from torrentd.wire.formats.errors import BencodeError, MagnetError
from torrentd.wire.formats.ids import ID_BYTES, InfoHash
from torrentd.wire.formats.magnet import MAGNET_CHARACTERS_MAX

NO_KEY = "the magnet names no key (xs=urn:btpk: and 64 hex digits)"
NO_SALT = "the salt of the magnet (s=) is not up to 64 bytes in hex digits"

_KEY = re.compile(r"urn:btpk:([0-9a-f]{64})", re.IGNORECASE)
_SALT = re.compile(r"(?:[0-9a-f]{2}){0,64}", re.IGNORECASE)
_VALUE_LIMITS = Limits(1000, 8, 400)


@dataclass(frozen=True, slots=True)
class PointerMagnet:
    key: bytes
    salt: bytes = b""


def decode_pointer_magnet(text: str) -> PointerMagnet:
    """Raises MagnetError."""
    scheme, _, query = text.partition("?")
    if len(text) > MAGNET_CHARACTERS_MAX or scheme.lower() != "magnet:":
        raise MagnetError(NO_KEY)
    parameters: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        parameters.setdefault(name.lower(), value.replace("%3A", ":").replace("%3a", ":"))
    key, salt = _KEY.fullmatch(parameters.get("xs", "")), parameters.get("s", "")
    if key is None:
        raise MagnetError(NO_KEY)
    if not _SALT.fullmatch(salt):
        raise MagnetError(NO_SALT)
    return PointerMagnet(bytes.fromhex(key[1]), bytes.fromhex(salt))


def encode_pointer_magnet(magnet: PointerMagnet) -> str:
    salt = f"&s={magnet.salt.hex()}" if magnet.salt else ""
    return f"magnet:?xs=urn:btpk:{magnet.key.hex()}{salt}"


def decode_pointer(value: bytes) -> InfoHash | None:
    """The infohash that the value names, `{"ih": …}`; None when it is something else."""
    try:
        found = decode(value, _VALUE_LIMITS)
    except BencodeError:
        return None
    infohash = get_bytes(found, b"ih") if isinstance(found, dict) else None
    return InfoHash(infohash) if infohash is not None and len(infohash) == ID_BYTES else None


def encode_pointer(infohash: InfoHash) -> bytes:
    return encode({b"ih": infohash})
