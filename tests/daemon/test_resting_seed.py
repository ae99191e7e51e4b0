"""daemon/resting_seed.py: a rule measures one at rest as it would one that is awake."""

from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, running, until
from tests.daemon.shelf_room import shelve
from torrentd.config.schema import Seeding
from torrentd.daemon.resting import rested
from torrentd.daemon.resting_seed import RestingSeed
from torrentd.dht.outputs import ScrapeEnded
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.resume import ResumeState

RECORD = ResumeState(
    infohash=InfoHash(b"i" * 20),
    name="a",
    download_dir="/srv",
    complete_bytes=100,
    uploaded_bytes=250,
    done_at=1000,
    options=TorrentOptions(rules=("when ratio > 2: pause",)),
)


def test_what_it_measures() -> None:
    seed = RestingSeed(rested(RECORD), None, lambda *_: None)
    assert seed.measured(1060.0) == {"ratio": 2.5, "seeding": 60.0, "uploaded": 250}
    assert (seed.infohash, seed.options) == (RECORD.infohash, RECORD.options)
    seed.counted = ScrapeEnded(RECORD.infohash, seeds=7, peers=3, nodes=8)
    assert seed.measured(0.0)["seeds"] == 7


@pytest.mark.parametrize("own", [False, True], ids=["a rule for all", "a rule of its own"])
def test_a_rule_pauses_one_at_rest(own: bool, tmp_path: Path) -> None:
    rule = "when seeding > 1d: pause"

    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        if not own:
            config = config.model_copy(update={"seeding": Seeding(rules=(rule,))})
        options = TorrentOptions(rules=(rule,)) if own else TorrentOptions()
        (torrent, other) = shelve(config, 2, options=options)
        async with running(config) as session:
            await until(lambda: all(each.state == "seeding" for each in session.torrents()))
            assert len(session._rest.torrents) == 2
            await session._seeding.look(wall=10_000_000.0)
            await until(lambda: all(each.state == "paused" for each in session.torrents()))
            assert session.torrent(torrent.infohash).pause_reason == rule
            assert session.torrent(other.infohash).pause_reason == rule

    run(scenario())
