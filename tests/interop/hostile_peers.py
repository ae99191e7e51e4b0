"""Peers that want to do harm, many at once, each from a loopback address of its own (T17, T20).

One thread with a loop of its own runs all of them. A peer that is closed comes back a moment later
from another address.
"""

import asyncio
import contextlib
import itertools
import random
import struct
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable

BLOCK_BYTES = 16 * 1024
COMES_BACK_S = 0.5
INTERESTED, UNCHOKE, HAVE_ALL = b"\0\0\0\1\2", b"\0\0\0\1\1", b"\0\0\0\1\x0e"


class Wire:
    """One connection of a hostile peer."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, infohash: bytes, seed: int
    ) -> None:
        self.reader, self.writer = reader, writer
        self.infohash = infohash
        self.rng = random.Random(seed)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def greet(self, *messages: bytes) -> None:
        """A good handshake, and what follows it."""
        peer_id = b"-XX0001-" + self.rng.randbytes(12)
        head = b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 4])
        await self.send(head + self.infohash + peer_id + b"".join(messages))

    async def swallow(self) -> None:
        """Read, and do nothing, until the other side ends it."""
        while await self.reader.read(65536):
            pass


def message(number: int, payload: bytes = b"") -> bytes:
    return struct.pack(">IB", 1 + len(payload), number) + payload


def extended(number: int, payload: bytes) -> bytes:
    return message(20, bytes([number]) + payload)


async def silent(wire: Wire) -> None:
    """Connects and says nothing."""
    await wire.swallow()


async def idle(wire: Wire) -> None:
    """Shakes hands, claims everything, and does nothing."""
    await wire.greet(HAVE_ALL)
    await wire.swallow()


async def garbage(wire: Wire) -> None:
    await wire.send(wire.rng.randbytes(4096))
    await wire.swallow()


async def nonsense(wire: Wire) -> None:
    """A handshake, then bytes that are no messages: the length of the first is two gigabytes."""
    await wire.greet(b"\x80" + wire.rng.randbytes(4096))
    await wire.swallow()


async def flood(wire: Wire) -> None:
    """Choke, unchoke, interest and haves, as fast as they are taken."""
    await wire.greet(HAVE_ALL)
    storm = (INTERESTED + message(3) + UNCHOKE + message(0) + b"\0\0\0\0") * 500
    while True:
        await wire.send(storm)


async def liar(wire: Wire) -> None:
    """Answers every request with random bytes."""
    await wire.greet(HAVE_ALL, UNCHOKE)
    await wire.reader.readexactly(68)
    while True:
        (length,) = struct.unpack(">I", await wire.reader.readexactly(4))
        body = await wire.reader.readexactly(length)
        if length == 13 and body[0] == 6:
            await wire.send(message(7, body[1:9] + wire.rng.randbytes(BLOCK_BYTES)))


async def unrequested(wire: Wire) -> None:
    """Sends blocks that nobody asked for."""
    await wire.greet(HAVE_ALL, UNCHOKE)
    while True:
        index = wire.rng.randrange(64)
        await wire.send(message(7, struct.pack(">II", index, 0) + bytes(BLOCK_BYTES)))


async def never_serves(wire: Wire) -> None:
    """Lets us ask, and does not answer."""
    await wire.greet(HAVE_ALL, UNCHOKE, INTERESTED)
    await wire.swallow()


async def never_reads(wire: Wire) -> None:
    """Asks for everything, again and again, and takes nothing."""
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a TCP transport
    await wire.greet(message(15), INTERESTED)
    while True:
        for index in range(64):
            await wire.send(message(6, struct.pack(">III", index, 0, BLOCK_BYTES)))
        await asyncio.sleep(1.0)


async def false_metadata(wire: Wire) -> None:
    """Claims metadata of some size, and answers with random bytes."""
    size = wire.rng.choice([2**31 - 1, 40_000, 16_384, 1])
    hello = b"d1:md11:ut_metadatai2e6:ut_pexi1ee13:metadata_sizei%dee" % size
    await wire.greet(HAVE_ALL, extended(0, hello))
    piece = 0
    while True:
        head = b"d8:msg_typei1e5:piecei%de10:total_sizei%dee" % (piece, size)
        await wire.send(extended(2, head + wire.rng.randbytes(min(size, BLOCK_BYTES))))
        piece = (piece + 1) % 4
        await asyncio.sleep(0.2)


async def exchange_storm(wire: Wire) -> None:
    """Tells of peers that are victims, without end."""
    await wire.greet(HAVE_ALL, extended(0, b"d1:md6:ut_pexi1eee"))
    while True:
        peers = b"".join(bytes([127, 250, 0, 1]) + struct.pack(">H", n) for n in range(1, 51))
        await wire.send(extended(1, b"d5:added%d:%s7:added.f50:%se" % (300, peers, bytes(50))))
        await asyncio.sleep(0.1)


async def drips(wire: Wire) -> None:
    """A handshake at one byte every nine seconds."""
    for byte in b"\x13BitTorrent protocol":
        await wire.send(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(9.0):
                await wire.swallow()
                return


async def half_encrypted(wire: Wire) -> None:
    """The first half of a handshake of MSE, and no more."""
    await wire.send(wire.rng.randbytes(96))
    await wire.swallow()


Kind = Callable[[Wire], Awaitable[None]]
KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        silent,
        idle,
        garbage,
        nonsense,
        flood,
        liar,
        unrequested,
        never_serves,
        never_reads,
        false_metadata,
        exchange_storm,
    )
}
SLOW_KINDS: dict[str, Kind] = {kind.__name__: kind for kind in (drips, half_encrypted, silent)}


class Crowd:
    """`count` peers of `kinds` at a torrent of the daemon at `host`:`port`. Use as a context
    manager. `ended` counts how often the daemon closed one of a kind; `longest_s` is how long one
    of a kind held out; `once`: they do not come back."""

    def __init__(
        self,
        host: str,
        port: int,
        infohash: str,
        count: int,
        kinds: dict[str, Kind] = KINDS,
        *,
        once: bool = False,
        network: int = 200,
    ) -> None:
        self.ended: Counter[str] = Counter()
        self.longest_s: dict[str, float] = {}
        self.connected = 0
        self._target = host, port
        self._infohash = bytes.fromhex(infohash)
        self._plan = list(itertools.islice(itertools.cycle(kinds.items()), count))
        self._once = once
        self._network = network
        self._numbers = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._all: asyncio.Task[None] | None = None

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()
        self._loop.close()

    def _end(self) -> None:
        if self._all is not None:
            self._all.cancel()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._all = self._loop.create_task(self._everybody())  # the only one of this loop
            self._loop.run_until_complete(self._all)

    async def _everybody(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, kind in self._plan:
                group.create_task(self._come_again(name, kind))

    async def _come_again(self, name: str, kind: Kind) -> None:
        while True:
            await self._once_more(name, kind)
            if self._once:
                return
            await asyncio.sleep(COMES_BACK_S)

    async def _once_more(self, name: str, kind: Kind) -> None:
        number = next(self._numbers)
        source = f"127.{self._network + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"
        try:
            reader, writer = await asyncio.open_connection(*self._target, local_addr=(source, 0))
        except OSError:
            return
        self.connected += 1
        began = time.monotonic()
        try:
            await kind(Wire(reader, writer, self._infohash, number))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connected -= 1
            writer.transport.abort()
        self.ended[name] += 1
        lasted_s = time.monotonic() - began
        self.longest_s[name] = max(lasted_s, self.longest_s.get(name, 0.0))
