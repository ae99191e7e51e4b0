"""Questions put to a whole swarm, in virtual time: does giving pay, does it scale, is one copy
enough?

Used twice: small in the gate, large by `make bench-swarm`. One seed gives one run.
"""

import random
import statistics
from dataclasses import dataclass

from tests.sim.swarm import SimulatedPeer, World
from tests.wire.torrents import Torrent, single_file
from torrentd.config.schema import Limits

# Everybody may know everybody: who is left out when all are full is another question.
LIMITS = Limits(dials_per_s_max=1000, peers_per_torrent_max=100)
HOURS_S = 8 * 3600.0
NEWCOMER_BYTES_PER_S = 50e3


def payload(size_kib: int, piece_kib: int) -> Torrent:
    return single_file(random.Random(1).randbytes(size_kib * 1024), piece_kib * 1024)


@dataclass(slots=True)
class Giving:
    """How long each took: contributors by upload rate, free riders, and the first pieces of
    newcomers that came with nothing while all were busy."""

    contributors: list[tuple[float, float]]  # (bytes/s up, seconds)
    free_riders_s: list[float]
    first_pieces_s: list[float]

    @property
    def advantage(self) -> float:
        """How many times sooner the median contributor is done than the median free rider."""
        taken_s = [seconds for _, seconds in self.contributors]
        return statistics.median(self.free_riders_s) / statistics.median(taken_s)

    @property
    def correlation(self) -> float:
        """Spearman's, of upload rate and download rate among contributors."""
        rates = [rate for rate, _ in self.contributors]
        return rank_correlation(rates, [1 / seconds for _, seconds in self.contributors])


def giving(
    torrent: Torrent, rates: list[float], riders: int, seed_bytes_per_s: float, seed: int
) -> Giving:
    """Everybody begins at once with nothing and leaves when done, the seed stays: the swarm is
    short of upload all the time."""
    world = World(torrent, seed)
    giver = SimulatedPeer(world, seed=True, upload_bytes_per_s=seed_bytes_per_s, limits=LIMITS)
    peers = [
        SimulatedPeer(
            world,
            upload_bytes_per_s=rate,
            download_bytes_per_s=2e6,
            free_rider=rider,
            leaves=True,
            limits=LIMITS,
        )
        for rider, group in ((True, [100e3] * riders), (False, rates))
        for rate in group
    ]
    newcomers = [
        SimulatedPeer(world, upload_bytes_per_s=NEWCOMER_BYTES_PER_S, limits=LIMITS)
        for _ in range(3)
    ]
    for peer in [giver, *peers]:
        peer.start()
    for number, newcomer in enumerate(newcomers):
        world.simulation.call_in(45.0 * (number + 1), newcomer.start)
    assert world.run_until_complete(peers, HOURS_S), "not everybody was done"
    free_riders_s = [taken_s(peer) for peer in peers if peer.free_rider]
    contributors = [(p.upload_bytes_per_s, taken_s(p)) for p in peers if not p.free_rider]
    first_pieces_s = [peer.first_piece_at - peer.started_at for peer in newcomers]
    return Giving(contributors, free_riders_s, first_pieces_s)


@dataclass(slots=True)
class Scale:
    """One seed, so many leechers, and when the last of them was done."""

    leechers: int
    last_s: float
    client_server_s: float
    bound_s: float


def scale(
    torrent: Torrent, leechers: int, seed_bytes_per_s: float, bytes_per_s: float, seed: int
) -> Scale:
    """The bound is the one of the textbooks: the seed sends everything once, the slowest takes it
    once, and all together send it once for each."""
    download_bytes_per_s = 10 * seed_bytes_per_s
    world = World(torrent, seed)
    giver = SimulatedPeer(world, seed=True, upload_bytes_per_s=seed_bytes_per_s, limits=LIMITS)
    peers = [
        SimulatedPeer(
            world,
            upload_bytes_per_s=bytes_per_s,
            download_bytes_per_s=download_bytes_per_s,
            limits=LIMITS,
        )
        for _ in range(leechers)
    ]
    for peer in [giver, *peers]:
        peer.start()
    assert world.run_until_complete(peers, HOURS_S), "not everybody was done"
    size = len(torrent.content)
    bound_s = max(
        size / seed_bytes_per_s,
        size / download_bytes_per_s,
        leechers * size / (seed_bytes_per_s + leechers * bytes_per_s),
    )
    last_s = max(taken_s(peer) for peer in peers)
    return Scale(leechers, last_s, leechers * size / seed_bytes_per_s, bound_s)


@dataclass(slots=True)
class OneCopy:
    """What the seed had sent when every piece was out and it left; the fewest holders that any
    piece had from then on; the fewest that a peer counted which lacks it, once the news had time to
    come; whether everybody was done."""

    copies_sent: float
    holders_least: int
    counted_least: int
    complete: bool


def one_copy(
    torrent: Torrent,
    leechers: int,
    bytes_per_s: float,
    seed: int,
    news_s: float = 0.0,
    *,
    super_seeding: bool = False,
) -> OneCopy:
    """The seed is gone as soon as the others have every piece between them. `news_s`: what they
    count is looked at after that time, since haves wait behind the blocks of a full uplink."""
    world = World(torrent, seed)
    giver = SimulatedPeer(
        world,
        seed=True,
        upload_bytes_per_s=bytes_per_s,
        limits=LIMITS,
        super_seeding=super_seeding,
    )
    peers = [
        SimulatedPeer(world, upload_bytes_per_s=bytes_per_s, limits=LIMITS) for _ in range(leechers)
    ]
    for peer in [giver, *peers]:
        peer.start()
    out = any(holders(peers) > 0 or world.run(1.0) for _ in range(int(HOURS_S)))
    assert out, "the seed never got rid of one copy"
    copies_sent = giver.uplink.sent_bytes / len(torrent.content)
    giver.vanish()
    left_at = world.simulation.now
    had, counted = [], []

    def done() -> bool:
        had.append(holders(peers))
        if world.simulation.now >= left_at + news_s:
            counted.append(min(seen(peer) for peer in peers))
        return all(peer.swarm.is_complete for peer in peers)

    complete = any(done() or world.run(2.0) for _ in range(int(HOURS_S / 2)))
    return OneCopy(copies_sent, min(had), min(counted, default=1), complete)


def holders(peers: list[SimulatedPeer]) -> int:
    """How many have the rarest piece."""
    count = peers[0].swarm.have.size
    return min(sum(i in peer.swarm.have for peer in peers) for i in range(count))


def seen(peer: SimulatedPeer) -> int:
    """How many holders of the rarest piece that it lacks `peer` counts; a piece that it has, it has
    itself."""
    download = peer.swarm._download
    assert download is not None
    lacking = [i for i in range(download.have.size) if i not in download.have]
    return min((download.picker.availability.count(i) for i in lacking), default=1)


def taken_s(peer: SimulatedPeer) -> float:
    return peer.completed_at - peer.started_at


def rank_correlation(xs: list[float], ys: list[float]) -> float:
    return statistics.correlation(_ranks(xs), _ranks(ys))


def _ranks(values: list[float]) -> list[float]:
    """Equal values share the mean of their ranks."""
    ordered = sorted(values)
    return [ordered.index(v) + (ordered.count(v) - 1) / 2 for v in values]
