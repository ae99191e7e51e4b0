"""Whose turn it is, in virtual time, and in a session."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import single_file
from torrentd.config.schema import Queue as Settings
from torrentd.daemon.queue import STALLED_S, Move, Queue
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions


@dataclass(eq=False)
class Member:
    """Moves `rate` bytes a second whenever it runs."""

    name: str
    is_done: bool = False
    rate: int = 1
    options: TorrentOptions = field(default_factory=TorrentOptions)
    wants_turn: bool = True
    queued: bool = True
    moved_bytes: int = 0
    added_at: int = 0
    saves: int = 0

    @property
    def infohash(self) -> InfoHash:
        return InfoHash(self.name.encode().ljust(20, b"."))

    def set_queued(self, queued: bool) -> None:
        self.queued = queued

    def set_options(self, options: TorrentOptions) -> None:
        self.options = options
        self.saves += 1


class Room:
    """Members in the order in which they were added."""

    def __init__(self, *members: Member, downloads: int = 0, seeds: int = 0) -> None:
        self.members = [*members]
        self.now = 1000.0
        settings = Settings(active_downloads_max=downloads, active_seeds_max=seeds)
        self.queue = Queue(settings, lambda: self.members, self.positions, lambda: None)
        for member in members:
            position = self.queue.next_position()
            member.options = TorrentOptions(position=position, forced=member.options.forced)

    def positions(self) -> list[int]:
        return [each.options.position for each in self.members]

    def running(self) -> str:
        self.queue.look(self.now)
        return "".join(each.name for each in self.members if not each.queued and each.wants_turn)

    def later(self, seconds: int) -> str:
        """A look every ten seconds; who runs after the last."""
        found = ""
        for _ in range(0, seconds, 10):
            self.now += 10
            for member in self.members:
                if not member.queued:
                    member.moved_bytes += member.rate * 10
            found = self.running()
        return found

    def order(self) -> str:
        return "".join(each.infohash[:1].decode() for each in self.queue.order())

    def move(self, names: str, to: Move) -> str:
        self.queue.move([Member(name).infohash for name in names], to)
        return self.order()


def downloads(names: str) -> list[Member]:
    return [Member(name) for name in names]


class TestTurns:
    def test_without_limits_everybody_runs(self) -> None:
        assert Room(*downloads("abc"), Member("s", is_done=True)).running() == "abcs"

    def test_so_many_run_and_the_next_when_one_is_done(self) -> None:
        room = Room(*downloads("abcd"), downloads=2)
        assert room.running() == "ab"
        room.members[0].is_done = True
        assert room.running() == "abc", "seeds are not limited"
        room.members[1].wants_turn = False
        assert room.running() == "acd"

    def test_downloads_and_seeds_are_counted_apart(self) -> None:
        seeds = [Member(name, is_done=True) for name in "xyz"]
        room = Room(*seeds, *downloads("abc"), downloads=1, seeds=2)
        assert room.running() == "xya"

    def test_who_is_stalled_does_not_count_and_waits_again_when_another_is_before_it(self) -> None:
        room = Room(*downloads("abc"), downloads=1)
        slow = room.members[0]
        slow.rate = 0
        assert room.running() == "a"
        assert room.later(int(STALLED_S) - 10) == "a", "it has had its chance by then"
        assert room.later(20) == "ab"
        assert room.later(1000) == "ab", "one is active, whatever is stalled beside it"
        slow.rate = 5
        assert room.later(20) == "a", "it woke up, and is the first"
        slow.rate = 0
        assert room.later(int(STALLED_S) + 10) == "ab"

    def test_all_stalled_all_run(self) -> None:
        room = Room(*(Member(name, rate=0) for name in "abc"), downloads=1)
        assert room.later(3 * int(STALLED_S) + 40) == "abc"

    def test_forced_ones_run_and_are_not_counted(self) -> None:
        room = Room(*downloads("abc"), downloads=1)
        room.queue.move([room.members[2].infohash], "now")
        assert room.running() == "ac"
        room.queue.move([room.members[2].infohash], "later")
        assert room.running() == "a"

    def test_who_becomes_a_seed_begins_anew(self) -> None:
        """It has sent nothing yet: that is no stall."""
        room = Room(*downloads("a"), Member("s", is_done=True), downloads=1, seeds=1)
        room.members[1].rate = 0
        assert room.later(1000) == "as"
        room.members[0].is_done = True
        room.members[0].rate = 0
        assert room.later(int(STALLED_S) - 20) == "a"
        assert room.later(40) == "as"

    def test_a_limit_that_goes_lets_all_run(self) -> None:
        room = Room(*downloads("abc"), downloads=1)
        assert room.running() == "a" and room.queue.held
        room.queue.reconfigure(Settings())
        assert room.running() == "abc" and not room.queue.held


class TestOrder:
    @pytest.mark.parametrize(
        ("names", "to", "order"),
        [
            ("c", "top", "cabde"),
            ("db", "top", "bdace"),
            ("b", "bottom", "acdeb"),
            ("bd", "bottom", "acebd"),
            ("c", "up", "acbde"),
            ("ab", "up", "abcde"),
            ("bc", "up", "bcade"),
            ("a", "down", "bacde"),
            ("de", "down", "abcde"),
            ("ac", "down", "badce"),
            ("ae", "now", "abcde"),
        ],
    )
    def test_moves(self, names: str, to: Move, order: str) -> None:
        room = Room(*downloads("abcde"))
        assert room.move(names, to) == order
        assert sum(member.saves for member in room.members) <= 2 * len(names)

    def test_a_download_passes_downloads_not_seeds(self) -> None:
        room = Room(
            Member("a"), *(Member(n, is_done=True) for n in "xyz"), Member("b"), Member("c")
        )
        assert room.move("b", "up") == "bxyzac"
        assert room.move("x", "down") == "byxzac"

    def test_records_of_before_share_a_position_until_one_is_moved(self) -> None:
        room = Room(*downloads("abc"))
        for at, member in enumerate(room.members):
            member.options, member.added_at = TorrentOptions(), 3 - at
        assert room.order() == "cba", "the oldest first"
        assert room.move("a", "up") == "cab"
        assert room.queue.next_position() == 4

    def test_random_moves_keep_everybody_once(self) -> None:
        rng = random.Random(3)
        room = Room(*downloads("abcdefgh"))
        for _ in range(300):
            names = "".join(rng.sample("abcdefgh", rng.randrange(1, 5)))
            moves: list[Move] = ["top", "up", "down", "bottom"]
            order = room.move(names, rng.choice(moves))
            assert sorted(order) == list("abcdefgh")


class TestInASession:
    def test_one_after_the_other_and_now_beside_it_and_after_a_restart(
        self, tmp_path: Path
    ) -> None:
        torrents = [
            single_file(random.Random(n).randbytes(100_000), 16384, b"%d.bin" % n) for n in range(3)
        ]

        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "b", new_host())
            config = config.model_copy(update={"queue": Settings(active_downloads_max=1)})
            async with running(make_config(tmp_path / "a", host)) as seeder:
                found = [await seed(seeder, each, tmp_path / "source") for each in torrents]
                async with running(config) as session:
                    for infohash in found:
                        await session.add(AddRequest(magnet=infohash.hex()))
                    await until(lambda: session.torrent(found[0]).state == "metadata")
                    assert session.torrent(found[1]).state == "queued"
                    assert session.why([found[1]])[0].cause == "queued"
                    session.move_in_queue([found[2]], "now")
                    await until(lambda: session.torrent(found[2]).state == "metadata")
                async with running(config) as session:
                    await until(lambda: session.torrent(found[2]).state == "metadata")
                    assert session.torrent(found[1]).state == "queued"
                    await session.add_peer(found[0], f"{host}:{PORT}")
                    assert await session.wait(found[0], "done", TIMEOUT_S)
                    await until(lambda: session.torrent(found[1]).state == "metadata")
                    assert session.torrent(found[0]).state == "seeding"
                    assert [each.infohash for each in session.queue()] == [h.hex() for h in found]

        run(scenario())

    def test_a_reload_changes_how_many_run(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                first = session.find((await session.add(AddRequest(magnet="aa" * 20))).infohash)
                second = session.find((await session.add(AddRequest(magnet="bb" * 20))).infohash)
                one = config.model_copy(update={"queue": Settings(active_downloads_max=1)})
                session.reconfigure(one)
                await until(lambda: session.torrent(second).state == "queued")
                assert session.torrent(first).state == "metadata"
                session.move_in_queue([second], "top")
                await until(lambda: session.torrent(first).state == "queued")
                session.reconfigure(config)
                await until(lambda: session.torrent(first).state == "metadata")

        run(scenario())
