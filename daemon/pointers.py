"""Mutable torrents (BEP 46): followed to each new version, and kept alive in the DHT.

Every half hour the newest item is looked for and, unless enough nodes have it (BEP 44,
Expiration), put again; publishers and followers do the same, a key is needed only for a new
version. A follower moves when a higher `seq` names another torrent: that is put on record first,
then the old torrent goes (its data stays) and the new one comes, so that a move which was
interrupted is taken up at the next start.
"""

import asyncio
import random
from functools import partial
from typing import Protocol

from torrentd.daemon.dht_items import DhtItems
from torrentd.daemon.logs import get_logger
from torrentd.daemon.pointer_record import (
    POINTERS_MAX,
    Pointer,
    decode_pointers,
    encode_pointers,
)
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import AddRequest, AddResult, Refused
from torrentd.daemon.workers import Workers
from torrentd.dht.items import MutableItem
from torrentd.dht.outputs import PutEnded
from torrentd.dht.signatures import is_signed
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.pointer import PointerMagnet, decode_pointer

LOOK_S = 30 * 60.0
FOLLOW_S = 45.0  # how long whoever follows waits for the first look
RETRY_S = 3.0  # while no node is known or nobody has it; doubled up to LOOK_S

log = get_logger("pointers")


class Torrents(Protocol):
    """The session."""

    async def add(self, request: AddRequest) -> AddResult: ...
    async def remove(self, infohash: InfoHash) -> object: ...


class Pointers:
    """`load` before anything else, then `run`."""

    def __init__(
        self,
        items: DhtItems,
        rng: random.Random,
        state: StateDir,
        workers: Workers,
        torrents: Torrents,
    ) -> None:
        self._items = items
        self._rng = rng
        self._state = state
        self._workers = workers
        self._torrents = torrents
        self._pointers: dict[tuple[bytes, bytes], Pointer] = {}
        self._due: dict[tuple[bytes, bytes], tuple[float, float]] = {}  # when, and the next pause
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()  # one look at a time: each is two searches

    async def load(self) -> None:
        """What an earlier run followed and published."""
        data = await self._workers.run(self._state.load_pointers)
        try:
            pointers = decode_pointers(data) if data is not None else []
        except ProtocolError as error:
            log.error("mutable torrents not loaded", cause=str(error))
            return
        for pointer in pointers:
            self._pointers[pointer.key, pointer.salt] = pointer
            self._due[pointer.key, pointer.salt] = (0.0, RETRY_S)

    def all(self) -> list[Pointer]:
        return list(self._pointers.values())

    async def follow(self, magnet: PointerMagnet, download_dir: str | None) -> Pointer:
        """Looks at once; where nobody has it yet, it is looked for until somebody does."""
        pointer = self._pointers.get((magnet.key, magnet.salt))
        if pointer is None:
            pointer = self._enter(Pointer(magnet.key, magnet.salt, True, None))
        pointer.followed = True
        pointer.download_dir = download_dir or pointer.download_dir
        await self._save()
        try:
            async with asyncio.timeout(FOLLOW_S):
                await self._look(pointer)
        except TimeoutError:  # a DHT that is slow today: `run` goes on looking
            self._wake.set()
        if pointer.moving:
            raise Refused("it is followed, but its torrent cannot be added: the log says why")
        return pointer

    async def publish(self, item: MutableItem) -> PutEnded | None:
        """Put it now, and keep it there."""
        if not is_signed(item) or decode_pointer(item.value) is None:
            raise Refused("the signature is not that of the key, or the value names no torrent")
        pointer = self._pointers.get((item.key, item.salt))
        if pointer is not None and pointer.item is not None and pointer.item.seq >= item.seq:
            raise Refused(f"number {pointer.item.seq} is published already; a new one is higher")
        ended = await self._items.put(item)
        if pointer is None:
            pointer = self._enter(Pointer(item.key, item.salt, False))
        await self._take(pointer, item)
        self._schedule(pointer, found=ended is not None and ended.stored > 0)
        return ended

    async def forget(self, key_prefix: str) -> list[Pointer]:
        """Neither followed nor put again; torrents stay."""
        gone = [p for p in self.all() if key_prefix and p.key.hex().startswith(key_prefix.lower())]
        if not gone:
            raise Refused(f"nothing is followed or published under a key {key_prefix[:80]!r}")
        for pointer in gone:
            del self._pointers[pointer.key, pointer.salt]
            del self._due[pointer.key, pointer.salt]
        await self._save()
        return gone

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            for name, (at, _) in list(self._due.items()):
                if at <= now and name in self._pointers:
                    await self._look(self._pointers[name])
            next_at = min((at for at, _ in self._due.values()), default=loop.time() + LOOK_S)
            try:
                async with asyncio.timeout(max(1.0, next_at - loop.time())):
                    await self._wake.wait()
            except TimeoutError:
                pass

    # ---- inside

    def _enter(self, pointer: Pointer) -> Pointer:
        if len(self._pointers) >= POINTERS_MAX:
            raise Refused(f"at most {POINTERS_MAX} mutable torrents are followed or published")
        self._pointers[pointer.key, pointer.salt] = pointer
        self._due[pointer.key, pointer.salt] = (0.0, RETRY_S)
        return pointer

    def _schedule(self, pointer: Pointer, *, found: bool) -> None:
        name = pointer.key, pointer.salt
        if name not in self._pointers:
            return
        _, pause_s = self._due[name]
        pause_s = LOOK_S if found else pause_s
        at = asyncio.get_running_loop().time() + pause_s * self._rng.uniform(0.9, 1.1)
        self._due[name] = (at, RETRY_S if found else min(2 * pause_s, LOOK_S))
        self._wake.set()

    async def _look(self, pointer: Pointer) -> None:
        """The newest goes on record, is moved to, and put again where that is needed."""
        async with self._lock:
            found = False
            try:
                if pointer.moving:
                    await self._finish_move(pointer)
                ended = await self._items.get(pointer.target, pointer.salt)
                if ended is not None and isinstance(ended.item, MutableItem):
                    found = True
                    await self._take(pointer, ended.item)
                if pointer.item is not None:
                    put = await self._items.put(pointer.item, if_needed=True)
                    found = found or (put is not None and put.stored > 0)
            except Refused as refused:
                log.info("mutable torrent not looked for", cause=str(refused))
            self._schedule(pointer, found=found)

    async def _take(self, pointer: Pointer, item: MutableItem) -> None:
        if pointer.item is not None and pointer.item.seq >= item.seq:
            if not pointer.followed or pointer.infohash is not None:
                return
            item = pointer.item  # known before it was followed
        pointer.item = item
        infohash = decode_pointer(item.value)
        if pointer.followed and infohash is not None and infohash != pointer.infohash:
            pointer.leaving = pointer.infohash if pointer.owned else None
            pointer.infohash = infohash
            pointer.moving = True
            await self._save()
            await self._finish_move(pointer)
        else:
            await self._save()

    async def _finish_move(self, pointer: Pointer) -> None:
        assert pointer.infohash is not None
        shared = [p for p in self.all() if p is not pointer and p.infohash == pointer.leaving]
        leaving = None if shared else pointer.leaving
        log.info("following to", torrent=pointer.infohash.hex(), key=pointer.key.hex())
        try:
            added = await self._move(leaving, pointer.infohash, pointer.download_dir)
        except Refused as refused:
            log.error("cannot follow", torrent=pointer.infohash.hex(), cause=str(refused))
            return
        pointer.owned = added or pointer.owned
        pointer.leaving = None
        pointer.moving = False
        await self._save()

    async def _move(
        self, leaving: InfoHash | None, infohash: InfoHash, download_dir: str | None
    ) -> bool:
        """True: the new torrent was not there before."""
        if leaving is not None:
            try:
                await self._torrents.remove(leaving)
            except Refused as refused:
                log.info("the version before is gone already", cause=str(refused))
        request = AddRequest(magnet=infohash.hex(), download_dir=download_dir)
        return (await self._torrents.add(request)).added

    async def _save(self) -> None:
        data = encode_pointers(self.all())
        problem = await self._workers.run(partial(self._state.save_pointers, data))
        if problem is not None:
            log.error("mutable torrents not saved", cause=problem)
