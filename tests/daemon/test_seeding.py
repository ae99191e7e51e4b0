"""Seeding rules, followed in virtual time and by a session."""

import asyncio
import random
from pathlib import Path

from tests.daemon.session_room import make_config, new_host, run, running, seed
from tests.daemon.test_torrent import limits_of
from tests.wire.torrents import single_file
from torrentd.config.entries import Label
from torrentd.config.rules import Quantity, Rule
from torrentd.config.schema import Seeding as Settings
from torrentd.daemon.seeding import Seeding
from torrentd.daemon.status import Refused, TorrentState
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions

TORRENT = single_file(random.Random(5).randbytes(100_000), 16384, b"data.bin")


class FakeSeed:
    """It uploads its size once a day, and was done at 0."""

    def __init__(
        self, number: int = 1, rules: tuple[str, ...] | None = None, labels: tuple[str, ...] = ()
    ) -> None:
        self.infohash = InfoHash(bytes([number]) * 20)
        self.state: TorrentState = "seeding"
        self.options = TorrentOptions(labels=labels, rules=rules)
        self.limits: list[int] = []
        self.paused_by: list[str] = []

    def measured(self, wall: float) -> dict[Quantity, float]:
        return {"ratio": wall / 86400, "seeding": wall, "seeds": 10 - wall / 86400}

    def follow_rule(self, rule: Rule | None) -> None:
        self.limits.append(rule.limit_bytes_per_s if rule is not None else 0)

    def pause(self, reason: str = "") -> None:
        self.state = "paused"
        self.paused_by.append(reason)


def days_of(settings: Settings, *torrents: FakeSeed, days: int = 5) -> list[InfoHash]:
    """A look each hour; who was removed."""
    removed: list[InfoHash] = []

    async def remove(infohash: InfoHash) -> None:
        removed.append(infohash)
        next(each for each in torrents if each.infohash == infohash).state = "paused"

    async def scenario() -> None:
        seeding = Seeding(settings, lambda: list(torrents), remove)
        for hour in range(days * 24 + 1):
            await seeding.look(hour * 3600.0)

    asyncio.run(scenario())
    return removed


def test_a_rule_is_followed_from_the_hour_on_in_which_it_holds() -> None:
    torrent = FakeSeed()
    rules = ("when ratio >= 2 and seeds > 5: limit 10K", "when seeding > 3d: pause")
    days_of(Settings(rules=rules), torrent)
    assert torrent.limits == [0] * 48 + [10240] * 72, "from 2 days on, while the first one holds"
    assert torrent.paused_by == ["when seeding > 3d: pause"]


def test_a_limit_ends_when_its_rule_does_not_hold_any_more() -> None:
    torrent = FakeSeed()
    days_of(Settings(rules=("when seeds > 9: limit 10K",)), torrent, days=2)
    assert torrent.limits == [10240] * 24 + [0] * 25


def test_own_rules_come_before_those_of_labels_and_those_before_all_others() -> None:
    settings = Settings(
        rules=("when seeding > 1d: remove",),
        labels=(Label(name="kept", rules=("when seeding > 9d: pause",)),),
    )
    plain, labelled = FakeSeed(1), FakeSeed(2, labels=("other", "kept"))
    own, free = FakeSeed(3, rules=("seeding > 2d: pause",), labels=("kept",)), FakeSeed(4, rules=())
    assert days_of(settings, plain, labelled, own, free) == [plain.infohash]
    assert own.paused_by == ["seeding > 2d: pause"]
    assert labelled.state == free.state == "seeding"


def test_what_does_not_seed_is_left_alone_and_an_unknown_rule_is_left_aside() -> None:
    loading, odd = FakeSeed(1), FakeSeed(2, rules=("when moon is full: pause",))
    loading.state = "downloading"
    days_of(Settings(rules=("seeding > 1d: pause",)), loading, odd)
    assert loading.limits == [] and loading.paused_by == [] and odd.paused_by == []


def test_one_that_cannot_be_removed_holds_up_no_other() -> None:
    first, second = FakeSeed(1), FakeSeed(2)
    tried: list[InfoHash] = []

    async def remove(infohash: InfoHash) -> None:
        tried.append(infohash)
        raise Refused("its record cannot be read now")

    async def scenario() -> None:
        rules = Settings(rules=("ratio < 1: remove",))
        await Seeding(rules, lambda: [first, second], remove).look(0.0)

    asyncio.run(scenario())
    assert tried == [first.infohash, second.infohash]


class TestInASession:
    def test_a_pause_says_which_rule_did_it_and_who_resumes_is_left_in_peace(
        self, tmp_path: Path
    ) -> None:
        rule = "when ratio >= 0: pause"

        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            config = config.model_copy(update={"seeding": Settings(rules=(rule,))})
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                await session._seeding.look(0.0)
                assert session.torrent(infohash).state == "paused"
            async with running(config) as session:
                assert session.torrent(infohash).pause_reason == rule
                assert rule in session.why([infohash])[0].sentence
                await session.resume(infohash)
                assert await session.wait(infohash, "done", 10)
                assert session.torrent(infohash).pause_reason == ""
                await session._seeding.look(0.0)
                assert session.torrent(infohash).state == "seeding"
                assert session.info(infohash).rules == []

        run(scenario())

    def test_a_limit_holds_beside_the_torrents_own_and_the_lower_one_counts(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                rules = ("when seeding >= 1d: limit 10K",)
                session.set_options(infohash, TorrentOptions(rules=rules))
                done_at = session._torrents[infohash]._state.done_at
                assert done_at, "the wall clock of when it was done"
                for own, wall, limit in (
                    (0, done_at + 80_000, 0),
                    (0, done_at + 90_000, 10240),
                    (5000, done_at + 90_000, 5000),
                    (20_000, done_at + 90_000, 10240),
                    (20_000, done_at + 80_000, 20_000),
                ):
                    options = TorrentOptions(rules=rules, upload_bytes_per_s_max=own)
                    session.set_options(infohash, options)
                    await session._seeding.look(wall)
                    assert limits_of(session, infohash) == (0, limit)

        run(scenario())

    def test_removed_by_a_rule_it_leaves_its_data(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                session.set_options(infohash, TorrentOptions(rules=("ratio < 1: remove",)))
                await session._seeding.look(0.0)
                assert session.torrents() == []

        run(scenario())
        assert (tmp_path / "source" / "data.bin").read_bytes() == TORRENT.content
