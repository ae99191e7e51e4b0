"""Peer ids, and what they tell of a client (BEP 20).

Ours is `-TD0100-` and twelve random characters; most clients write theirs in that way.
"""

import random
import string

from torrentd.wire.formats.ids import PeerId

OUR_PREFIX = b"-TD0100-"
_ALPHABET = (string.ascii_letters + string.digits).encode()

# The clients one meets, by the code that BEP 20 or their own source gives them.
_CLIENTS = {
    "7T": "aTorrent",
    "AZ": "Vuze",
    "BC": "BitComet",
    "BI": "BiglyBT",
    "BL": "BiglyBT",
    "BT": "BitTorrent",
    "DE": "Deluge",
    "FD": "Free Download Manager",
    "GT": "anacrolix",
    "JT": "Ktorrent",
    "KT": "KTorrent",
    "LT": "libtorrent",
    "lt": "rTorrent",
    "qB": "qBittorrent",
    "RN": "rain",
    "rQ": "rqbit",
    "SD": "Thunder",
    "TD": "torrentd",
    "TL": "Tribler",
    "TR": "Transmission",
    "UM": "uTorrent Mac",
    "UT": "uTorrent",
    "WW": "WebTorrent",
    "XL": "Xunlei",
}


def make_peer_id(rng: random.Random) -> PeerId:
    """A new one, each run: it must not follow a user from network to network."""
    return PeerId(OUR_PREFIX + bytes(rng.choices(_ALPHABET, k=12)))


def client_name(peer_id: bytes) -> str:
    """What people call the client, such as `Transmission 4.0.5`; `unknown` for what BEP 20 does not
    cover. Never more than printable ASCII, whatever the peer sent."""
    code, version = peer_id[1:3], peer_id[3:7]
    if peer_id[:1] + peer_id[7:8] != b"--" or not (code + version).isalnum():
        return "unknown"
    name = _CLIENTS.get(code.decode("ascii"), code.decode("ascii"))
    return f"{name} {_version(version.decode('ascii'))}"


def _version(text: str) -> str:
    """`4050` is 4.0.5: one character a part, a closing zero left out; letters count on from 9."""
    parts = [str(int(c, 36)) for c in text]
    while len(parts) > 2 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)
