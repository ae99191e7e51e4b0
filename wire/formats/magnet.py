"""Magnet links (BEP 9, 53), and a bare infohash in their place.

Kept: the infohash, `dn`, `x.pe`, `so`, `ws`. Trackers (`tr`) are read past and never contacted.
A parameter that makes no sense is passed over; a wrong infohash is refused.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from torrentd.wire.formats.address import Address, parse_address
from torrentd.wire.formats.errors import MagnetError, ProtocolError
from torrentd.wire.formats.ids import InfoHash

MAGNET_CHARACTERS_MAX = 8192
PARAMETERS_MAX = 100
PEERS_MAX = 16  # hints, each of them dialled first: not a list of targets
WEB_SEEDS_MAX = 16
SELECT_INDEX_MAX = 199_999  # the last file of the largest torrent we take

NO_MAGNET = "this is neither a magnet link nor an infohash"
NO_INFOHASH = (
    "the magnet has no infohash of version 1 (xt=urn:btih: and 40 hex or 32 base32 digits)"
)
V2_ONLY = (
    "the magnet is of version 2 only (BEP 52), which is not supported yet; "
    "version 1 and hybrid torrents are"
)

SO_CHARACTERS_MAX = 4096

_HEX = re.compile(r"[0-9a-fA-F]{40}")
_BASE32 = re.compile(r"[A-Za-z2-7]{32}")
_MULTIHASH = re.compile(r"1220[0-9a-fA-F]{64}")  # sha2-256, 32 bytes
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet says. `peers` have not met the address policy; `select` is None for all."""

    infohash: InfoHash
    name: str | None = None
    peers: tuple[Address, ...] = ()
    select: tuple[int, ...] | None = None
    web_seeds: tuple[str, ...] = ()


def decode_magnet(text: str) -> Magnet:
    """A magnet link, or the infohash alone. Raises MagnetError."""
    if len(text) > MAGNET_CHARACTERS_MAX:
        raise MagnetError(f"the magnet is longer than {MAGNET_CHARACTERS_MAX} characters")
    bare = _decode_infohash(text)
    if bare is not None:
        return Magnet(bare)
    scheme, _, query = text.partition("?")
    if scheme.lower() != "magnet:":
        raise MagnetError(NO_MAGNET)
    parameters = _parameters(query)
    names = [_text(unquote_plus(value)) for value in parameters.get("dn", ())]
    return Magnet(
        infohash=_infohash([unquote(value) for value in parameters.get("xt", ())]),
        name=next(filter(None, names), None),
        peers=_peers([unquote(value) for value in parameters.get("x.pe", ())]),
        select=decode_select([unquote(value) for value in parameters.get("so", ())]) or None,
        web_seeds=_web_seeds([unquote(value) for value in parameters.get("ws", ())]),
    )


def encode_magnet(magnet: Magnet) -> str:
    """The same as a link; `decode_magnet` gives back an equal Magnet, but for a selection that is
    too long for a link."""
    parts = [f"xt=urn:btih:{magnet.infohash.hex()}"]
    if magnet.name:
        parts.append(f"dn={quote(magnet.name, safe='')}")
    parts += [f"x.pe={quote(str(peer), safe='[]:')}" for peer in magnet.peers]
    if magnet.select and len(so := _encode_select(magnet.select)) <= SO_CHARACTERS_MAX:
        parts.append(f"so={so}")
    parts += [f"ws={quote(url, safe='')}" for url in magnet.web_seeds]
    return "magnet:?" + "&".join(parts)


def decode_select(values: Iterable[str]) -> tuple[int, ...]:
    """File indices of BEP 53's `so`, "0,2,4,6-8", ascending. What is no range is passed over."""
    ranges = []
    for part in ",".join(values).split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        first, last = int(found[1]), int(found[2] or found[1])
        if first <= last <= SELECT_INDEX_MAX:
            ranges.append((first, last))
    # merged before they are spelled out: a thousand ranges may overlap, the indices are bounded
    indices: list[int] = []
    for first, last in sorted(ranges):
        unseen = max(first, indices[-1] + 1 if indices else 0)
        indices.extend(range(unseen, last + 1))
    return tuple(indices)


def _encode_select(indices: tuple[int, ...]) -> str:
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and index <= ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(f"{a}-{b}" if a != b else f"{a}" for a, b in ranges)


def _text(name: str) -> str:
    # half a surrogate pair, from JSON say, could never be written anywhere again
    return name.encode("utf-8", "replace").decode()


def _parameters(query: str) -> dict[str, list[str]]:
    # "x.pe.1=…&x.pe.2=…" is how some number what they repeat
    parts = query.split("&", PARAMETERS_MAX)
    if len(parts) > PARAMETERS_MAX:
        raise MagnetError(f"the magnet has more than {PARAMETERS_MAX} parameters")
    parameters: dict[str, list[str]] = {}
    for part in parts:
        key, _, value = part.partition("=")
        stem, _, number = key.lower().rpartition(".")
        parameters.setdefault(stem if number.isdecimal() else key.lower(), []).append(value)
    return parameters


def _infohash(topics: list[str]) -> InfoHash:
    found: dict[InfoHash, None] = {}
    v2 = False
    for topic in topics:
        urn, _, digits = topic.rpartition(":")
        if urn.lower() == "urn:btih":
            infohash = _decode_infohash(digits)
            if infohash is None:
                raise MagnetError(NO_INFOHASH)
            found[infohash] = None
        elif urn.lower() == "urn:btmh" and _MULTIHASH.fullmatch(digits):
            v2 = True
    if not found:
        raise MagnetError(V2_ONLY if v2 else NO_INFOHASH)
    if len(found) > 1:
        raise MagnetError("the magnet has two different infohashes")
    return next(iter(found))


def _decode_infohash(digits: str) -> InfoHash | None:
    if _HEX.fullmatch(digits):
        return InfoHash(bytes.fromhex(digits))
    if _BASE32.fullmatch(digits):
        return InfoHash(base64.b32decode(digits.upper()))
    return None


def _peers(values: list[str]) -> tuple[Address, ...]:
    # literal addresses only: a magnet must not make us ask a name server
    peers: dict[Address, None] = {}
    for value in values:
        try:
            peers[parse_address(value)] = None
        except ProtocolError:
            continue
    return tuple(peers)[:PEERS_MAX]


def _web_seeds(values: list[str]) -> tuple[str, ...]:
    urls = dict.fromkeys(value for value in values if _is_web_url(value))
    return tuple(urls)[:WEB_SEEDS_MAX]


def _is_web_url(text: str) -> bool:
    return (
        text.lower().startswith(("http://", "https://")) and text.isascii() and text.isprintable()
    )
