"""What a block costs in Python: a seeder's and a leecher's Swarm joined in memory, no kernel.

    python -m tests.bench.byte_path [--profile]

Bytes go from one to the other through one buffer of 256 KiB, as from a socket. The disk and the
copy into the socket are left out; the copy into the piece's buffer and its hash are in, and shown
apart: what is left of the leecher's time is Python. The
times are this thread's CPU, least of three runs: what else the machine does hardly matters.
"""

import cProfile
import hashlib
import pstats
import random
import sys
import time
from dataclasses import dataclass

from tests.wire.torrents import Torrent, single_file
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.peer_ids import make_peer_id
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.actions import Action, ReadBlocks, StorePiece, Transmit
from torrentd.wire.swarm.swarm import Swarm

RECEIVE_BYTES = 256 * 1024
BLOCK_BYTES = 16 * 1024


@dataclass
class Times:
    """Seconds spent in each swarm."""

    leecher_s: float = 0.0
    seeder_s: float = 0.0
    calls: int = 0


class Joined:
    """One seeder, one leecher, the wire between them, and a clock of our own."""

    def __init__(self, torrent: Torrent, piece: bytes) -> None:
        self.times = Times()
        self.now = 1000.0
        self._piece = memoryview(piece)
        self._wire = memoryview(bytearray(RECEIVE_BYTES))
        self._to_leecher = bytearray()
        rng = random.Random(1)
        self.seeder = self._swarm(torrent, rng)
        self.leecher = self._swarm(torrent, rng)
        self._far = PeerConnection(
            Address("20.0.0.1", 6881),
            outgoing=True,
            peer_id=self.leecher.peer_id,
            infohash=torrent.infohash,
            limits=Limits(),
            now=self.now,
        )
        self._near = PeerConnection(
            Address("20.0.0.2", 6881),
            outgoing=False,
            peer_id=self.seeder.peer_id,
            infohash=None,
            limits=Limits(),
            now=self.now,
        )
        count = torrent.info.geometry.piece_count
        self._seeder_acts(self.seeder.store_opened(Bitfield.full(count), self.now))
        self._leecher_acts(self.leecher.store_opened(Bitfield(count), self.now))
        self._leecher_acts(self.leecher.add_connection(self._far, self.now))
        self._near.receive_data(memoryview(b"".join(self._far.data_to_send())), self.now)
        self._seeder_acts(self.seeder.add_connection(self._near, self.now))

    def _swarm(self, torrent: Torrent, rng: random.Random) -> Swarm:
        swarm = Swarm(
            torrent.infohash,
            peer_id=make_peer_id(rng),
            limits=Limits(),
            policy=AddressPolicy(allow_local=False),
            rng=rng,
            listen_port=6881,
            now=self.now,
            info=torrent.info,
            metadata=torrent.metadata,
        )
        swarm.start(self.now)
        return swarm

    def run(self) -> None:
        """Until everything is there."""
        while not self.leecher.is_complete:
            self.now += 0.0005
            self._to_seeder()
            self._from_seeder()
            if not self._to_leecher and not self._far.has_data_to_send:
                self.now += 1.0
                self._leecher_acts(self.leecher.tick(self.now))
                self._seeder_acts(self.seeder.tick(self.now))

    def _to_seeder(self) -> None:
        data = memoryview(b"".join(self._far.data_to_send()))
        if data:
            started = time.thread_time()
            actions = self.seeder.receive_data(self._near, data, self.now)
            self.times.seeder_s += time.thread_time() - started
            self._seeder_acts(actions)

    def _from_seeder(self) -> None:
        while self._to_leecher:
            part = self._to_leecher[:RECEIVE_BYTES]
            del self._to_leecher[:RECEIVE_BYTES]
            data = self._wire[: len(part)]
            data[:] = part
            self.times.calls += 1
            started = time.thread_time()
            actions = self.leecher.receive_data(self._far, data, self.now)
            self.times.leecher_s += time.thread_time() - started
            self._leecher_acts(actions)

    def _seeder_acts(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, ReadBlocks):
                read: list[tuple[int, bytes | memoryview]] = [
                    (begin, self._piece[begin : begin + length]) for begin, length in action.blocks
                ]
                started = time.thread_time()
                actions += self.seeder.blocks_read(
                    action.connection, action.piece_index, read, self.now
                )
                self.times.seeder_s += time.thread_time() - started
            elif isinstance(action, Transmit):
                started = time.thread_time()
                data = action.connection.data_to_send()
                self.times.seeder_s += time.thread_time() - started
                for part in data:
                    self._to_leecher += part

    def _leecher_acts(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, StorePiece):
                started = time.thread_time()
                actions += self.leecher.piece_stored(action.piece_index, action.buffer, self.now)
                self.times.leecher_s += time.thread_time() - started


def copy_us(piece_bytes: int) -> float:
    """Microseconds to copy a block into a piece, view to view."""
    piece = memoryview(bytearray(piece_bytes))
    wire = memoryview(bytearray(RECEIVE_BYTES))
    rounds = 20_000
    started = time.thread_time()
    for i in range(rounds):
        at = i * BLOCK_BYTES % piece_bytes
        source = i * BLOCK_BYTES % RECEIVE_BYTES
        piece[at : at + BLOCK_BYTES] = wire[source : source + BLOCK_BYTES]
    return (time.thread_time() - started) / rounds * 1e6


def hash_us() -> float:
    """Microseconds to hash a block that is in the processor's cache."""
    wire = memoryview(bytearray(RECEIVE_BYTES))
    digest = hashlib.sha1(usedforsecurity=False)
    rounds = 500
    started = time.thread_time()
    for _ in range(rounds):
        digest.update(wire)
    return (time.thread_time() - started) / rounds / (RECEIVE_BYTES // BLOCK_BYTES) * 1e6


def loop_ns() -> float:
    """What one round of an empty loop costs now: about 8 on an idle machine of 2024. By it, two
    machines or two moments of one can be compared."""
    started = time.thread_time()
    for _ in range(1_000_000):
        pass
    return (time.thread_time() - started) * 1e3


def measure(piece_bytes: int, piece_count: int) -> tuple[float, float]:
    """Microseconds a block: leecher (copy included), seeder."""
    piece = random.Random(2).randbytes(piece_bytes)
    joined = Joined(single_file(piece * piece_count, piece_bytes), piece)
    joined.run()
    blocks = piece_bytes * piece_count / BLOCK_BYTES
    return joined.times.leecher_s / blocks * 1e6, joined.times.seeder_s / blocks * 1e6


def main() -> None:
    if "--profile" in sys.argv:
        profile = cProfile.Profile()
        profile.runcall(measure, 1 << 20, 256)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    else:
        report()


def report() -> None:
    print(f"an empty loop takes {min(loop_ns() for _ in range(5)):.1f} ns a round")
    hashing = min(hash_us() for _ in range(5))
    print("µs a block; piece KiB   leecher   its copy   its hash   its Python   seeder, all Python")
    for piece_bytes, piece_count in ((256 * 1024, 1024), (1 << 20, 256), (4 << 20, 64)):
        runs = [measure(piece_bytes, piece_count) for _ in range(3)]
        leecher = min(run[0] for run in runs)
        seeder = min(run[1] for run in runs)
        copy = copy_us(piece_bytes)
        rest = leecher - copy - hashing
        print(
            f"{piece_bytes // 1024:21} {leecher:9.2f} {copy:10.2f} {hashing:10.2f} {rest:12.2f}"
            f" {seeder:20.2f}"
        )


if __name__ == "__main__":
    main()
