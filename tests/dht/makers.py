"""What the DHT's tests are made of: nodes, contacts, and the messages of a counterpart."""

import random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from torrentd.config.schema import Limits
from torrentd.dht.contact import Contact
from torrentd.dht.external_address import SETTLE_S
from torrentd.dht.items import MutableItem, signed_bytes
from torrentd.dht.krpc import Query, decode_message
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import NodeId, random_node_id
from torrentd.dht.outputs import Output, SendDatagram
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.ids import InfoHash

PUBLIC = AddressPolicy(allow_local=False)
LOCAL = AddressPolicy(allow_local=True)
NOW = 1000.0
INFOHASH = InfoHash(b"mnopqrstuvwxyz123456")
THEIR_ID = NodeId(b"abcdefghij0123456789")


def node_id(number: int) -> NodeId:
    return NodeId(number.to_bytes(20, "big"))


def address(index: int, port: int = 6881) -> Address:
    """Each in a /16 of its own."""
    return Address(f"{30 + index // 250}.{index % 250}.1.1", port)


def address6(index: int, port: int = 6881) -> Address:
    return Address(f"2a{index // 256:02x}:{index % 256 + 1:x}::1", port)


def contact(number: int, index: int, replied_at: float | None = NOW) -> Contact:
    """Of a chosen id, at a neutral address; it last replied at `replied_at`."""
    made = Contact(node_id(number), address(index))
    made.last_replied_at = replied_at
    return made


def dht_node(
    *,
    families: tuple[Family, ...] = ("ipv4",),
    policy: AddressPolicy = PUBLIC,
    read_only: bool = False,
    seed: int = 1,
    now: float = NOW,
    limits: Limits | None = None,
    snapshot: bytes | None = None,
) -> DhtNode:
    return DhtNode(
        limits=limits or Limits(),
        policy=policy,
        families=families,
        listen_port=6881,
        read_only=read_only,
        rng=random.Random(seed),
        secret_rng=random.Random(seed + 1000),
        now=now,
        snapshot=snapshot,
    )


def query(
    method: bytes,
    arguments: dict[bytes, Bencoded],
    transaction_id: bytes = b"aa",
    sender: bytes = THEIR_ID,
    **more: Bencoded,
) -> bytes:
    message: dict[bytes, Bencoded] = {
        b"a": {b"id": sender, **arguments},
        b"q": method,
        b"t": transaction_id,
        b"y": b"q",
    }
    return encode(message | {key.encode(): value for key, value in more.items()})


def response(asked: Query, values: dict[bytes, Bencoded], **more: Bencoded) -> bytes:
    message: dict[bytes, Bencoded] = {b"r": values, b"t": asked.transaction_id, b"y": b"r"}
    return encode(message | {key.encode(): value for key, value in more.items()})


def sent(outputs: list[Output]) -> list[SendDatagram]:
    return [output for output in outputs if isinstance(output, SendDatagram)]


def queries(outputs: list[Output]) -> list[tuple[Query, Address]]:
    """The queries among the datagrams, decoded."""
    decoded = [(decode_message(datagram.data), datagram.address) for datagram in sent(outputs)]
    return [(message, to) for message, to in decoded if isinstance(message, Query)]


def befriend(
    node: DhtNode, friends: dict[Address, NodeId], now: float = NOW, **more: Bencoded
) -> list[Output]:
    """Let the node ping each friend and each friend answer. Returns what followed. Friends that say
    where we are (`ip`) were found by a lookup, and say it for a while."""
    if "ip" not in more:
        return _answers(node, friends, {}, now)
    _answers(node, friends, {}, now - SETTLE_S)
    for contact in node._networks["ipv4"].table:
        contact.vouched = True
    out = _answers(node, friends, more, now - SETTLE_S)
    return out + _answers(node, friends, more, now)


def _answers(
    node: DhtNode, friends: dict[Address, NodeId], more: dict[str, Bencoded], now: float
) -> list[Output]:
    out: list[Output] = []
    for where, who in friends.items():
        for asked, to in queries(node.ping(where, now) if more else node.add_node(where, now)):
            out += node.receive_datagram(response(asked, {b"id": who}, **more), to, now)
    return out


def friends(count: int, seed: int = 7) -> dict[Address, NodeId]:
    rng = random.Random(seed)
    return {address(index): random_node_id(rng) for index in range(count)}


def signed(
    value: bytes, *, seq: int = 1, salt: bytes = b"", owner: int = 1, bits: int = 0
) -> MutableItem:
    """By the `owner`th key; `bits` are flipped in the last byte of the signature."""
    key = Ed25519PrivateKey.from_private_bytes(owner.to_bytes(32, "big"))
    signature = key.sign(signed_bytes(salt, seq, value))
    signature = signature[:-1] + bytes([signature[-1] ^ bits])
    return MutableItem(key.public_key().public_bytes_raw(), salt, seq, value, signature)
