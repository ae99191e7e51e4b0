"""The verbs of mutable torrents on the control socket: `follow`, `unfollow`, `publish` (BEP 46)."""

from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Document, Run
from torrentd.daemon.control_items import from_hex
from torrentd.daemon.control_params import Params
from torrentd.daemon.pointer_record import Pointer
from torrentd.daemon.status import Refused
from torrentd.dht.items import KEY_BYTES, SALT_BYTES_MAX, SEQ_MAX, SIGNATURE_BYTES, MutableItem
from torrentd.dht.outputs import PutEnded
from torrentd.wire.formats.errors import MagnetError
from torrentd.wire.formats.ids import ID_BYTES, InfoHash
from torrentd.wire.formats.pointer import (
    PointerMagnet,
    decode_pointer_magnet,
    encode_pointer,
    encode_pointer_magnet,
)


class PointerCommands(Protocol):
    """What the control socket needs of the mutable torrents. Each may raise Refused."""

    def all(self) -> list[Pointer]: ...
    async def follow(self, magnet: PointerMagnet, download_dir: str | None) -> Pointer: ...
    async def publish(self, item: MutableItem) -> PutEnded | None: ...
    async def forget(self, key_prefix: str) -> list[Pointer]: ...


class Commands(Protocol):
    @property
    def pointers(self) -> PointerCommands: ...


class PointerVerbs:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {
            "follow": self._follow,
            "unfollow": self._unfollow,
            "publish": self._publish,
        }

    async def _follow(self, params: Params, call: Call) -> Answer:
        """Without a magnet: what is followed and published."""
        uri, directory = params.text("uri"), params.path("dir")
        params.refuse_unknown()
        if uri is None:
            return _answer(self._commands.pointers.all())
        try:
            magnet = decode_pointer_magnet(uri.strip())
        except MagnetError as error:
            raise Refused(error.reason) from None
        return _answer([await self._commands.pointers.follow(magnet, directory)])

    async def _unfollow(self, params: Params, call: Call) -> Answer:
        key_prefix = params.required_text("key")
        params.refuse_unknown()
        return _answer(await self._commands.pointers.forget(key_prefix))

    async def _publish(self, params: Params, call: Call) -> Answer:
        """Signed by whoever has the key: it never comes here."""
        key = from_hex(params.required_text("key"), "a key of 64", KEY_BYTES, KEY_BYTES)
        salt = from_hex(params.text("salt") or "", "a salt", 0, SALT_BYTES_MAX)
        seq = params.integer("seq", 0, SEQ_MAX)
        infohash = from_hex(params.required_text("infohash"), "an infohash", ID_BYTES, ID_BYTES)
        signature = from_hex(
            params.required_text("signature"), "a signature", SIGNATURE_BYTES, SIGNATURE_BYTES
        )
        params.refuse_unknown()
        if seq is None:
            raise Refused('publish needs "seq", a number higher than that of the last version')
        value = encode_pointer(InfoHash(infohash))
        ended = await self._commands.pointers.publish(MutableItem(key, salt, seq, value, signature))
        return Answer(
            {
                "magnet": encode_pointer_magnet(PointerMagnet(key, salt)),
                "infohash": infohash.hex(),
                "seq": seq,
                "stored": ended.stored if ended is not None else 0,
            }
        )


def _answer(pointers: list[Pointer]) -> Answer:
    return Answer({"pointers": [_document(pointer) for pointer in pointers]})


def _document(pointer: Pointer) -> Document:
    return {
        "magnet": encode_pointer_magnet(PointerMagnet(pointer.key, pointer.salt)),
        "key": pointer.key.hex(),
        "salt": pointer.salt.hex(),
        "followed": pointer.followed,
        "seq": pointer.item.seq if pointer.item is not None else None,
        "infohash": pointer.infohash.hex() if pointer.infohash is not None else None,
    }
