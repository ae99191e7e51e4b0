"""The verbs of items and samples on the control socket: `dht get`, `dht put`, `dht sample`."""

import secrets
from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_lines import Json
from torrentd.daemon.control_params import Params
from torrentd.daemon.status import Refused
from torrentd.dht.items import (
    KEY_BYTES,
    SALT_BYTES_MAX,
    VALUE_BYTES_MAX,
    ImmutableItem,
    Item,
    MutableItem,
    target_of,
)
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import ItemEnded, PutEnded, SampleEnded
from torrentd.wire.formats.bencode import KRPC_LIMITS, Bencoded, decode, encode
from torrentd.wire.formats.ids import ID_BYTES

TOO_LONG = "the DHT takes too long to answer: `torrentctl dht status` says how it is"


class ItemCommands(Protocol):
    """What the control socket needs of the DHT's items. Each may raise Refused."""

    async def get(self, target: bytes, salt: bytes = b"") -> ItemEnded | None: ...
    async def put(
        self, item: Item, *, cas: int | None = None, if_needed: bool = False
    ) -> PutEnded | None: ...
    async def sample(self, target: NodeId) -> SampleEnded | None: ...


class Dht(Protocol):
    @property
    def items(self) -> ItemCommands: ...


class Commands(Protocol):
    """`dht` is asked for anew by every verb: when the verbs are made, it may not be there yet."""

    @property
    def dht(self) -> Dht: ...


class ItemVerbs:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {
            "dht get": self._get,
            "dht put": self._put,
            "dht sample": self._sample,
        }

    async def _get(self, params: Params, call: Call) -> Answer:
        name, salt_text = params.required_text("target"), params.text("salt") or ""
        params.refuse_unknown()
        salt = from_hex(salt_text, "the salt", 0, SALT_BYTES_MAX)
        named = from_hex(name, "a target of 40 digits or a key of 64", ID_BYTES, KEY_BYTES)
        if len(named) not in (ID_BYTES, KEY_BYTES):
            raise Refused("an item is named by a target of 40 hex digits or a key of 64")
        target = target_of(named, salt) if len(named) == KEY_BYTES else named
        ended = await self._commands.dht.items.get(target, salt)
        if ended is None:
            raise Refused(TOO_LONG)
        found = item_document(ended.item) if ended.item is not None else {}
        return Answer(
            {
                "target": target.hex(),
                "found": ended.item is not None,
                **found,
                "copies": ended.copies,
                "nodes": ended.nodes,
            }
        )

    async def _put(self, params: Params, call: Call) -> Answer:
        text = params.required_text("text")
        params.refuse_unknown()
        item = ImmutableItem(encode(text.encode()))
        if len(item.value) > VALUE_BYTES_MAX:
            raise Refused(f"an item is at most {VALUE_BYTES_MAX} bytes, its length included")
        ended = await self._commands.dht.items.put(item)
        if ended is None:
            raise Refused(TOO_LONG)
        return Answer(
            {"target": item.target.hex(), "stored": ended.stored, "refusals": ended.refusals}
        )

    async def _sample(self, params: Params, call: Call) -> Answer:
        text = params.text("target")
        params.refuse_unknown()
        target = secrets.token_bytes(ID_BYTES)
        if text is not None:
            target = from_hex(text, "a target of 40 hex digits", ID_BYTES, ID_BYTES)
        ended = await self._commands.dht.items.sample(NodeId(target))
        if ended is None:
            raise Refused(TOO_LONG)
        return Answer(
            {
                "target": target.hex(),
                "infohashes": [infohash.hex() for infohash in ended.infohashes],
                "nodes": ended.nodes,
                "infohashes_stored": ended.stored,
            }
        )


def from_hex(text: str, what: str, low: int, high: int) -> bytes:
    """Raises Refused, naming `what` it should be."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = None
    if data is None or not low <= len(data) <= high:
        raise Refused(f"{text[:80]!r} is not {what}, in hex digits")
    return data


def item_document(item: Item) -> Document:
    document: dict[str, object] = {
        "value": readable(decode(item.value, KRPC_LIMITS)),
        "bencoded": item.value.hex(),
    }
    if isinstance(item, MutableItem):
        document |= {"key": item.key.hex(), "salt": item.salt.hex(), "seq": item.seq}
    return document


def readable(value: Bencoded) -> Json:
    """Text where it is text, else its hex digits."""
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return value.hex()
        return text if text.isprintable() else value.hex()
    if isinstance(value, list):
        return [readable(each) for each in value]
    if isinstance(value, dict):
        return {str(readable(key)): readable(each) for key, each in value.items()}
    return value
