"""Every method, with all of its parameters, is one that the daemon takes."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_hop, make_torrent
from torrentd.daemon.adopting import Adoption
from torrentd.daemon.client.aio import AsyncClient
from torrentd.daemon.client.binding import Following, Method
from torrentd.daemon.client.blocking import Client
from torrentd.daemon.client.errors import Refused
from torrentd.daemon.client.methods import Methods
from torrentd.daemon.control_config import ConfigVerbs
from torrentd.daemon.control_limits import LimitVerbs
from torrentd.daemon.settings import Settings

HEX = "ab" * 20
ONE = "torrent 8"
CALLS: dict[str, Callable[[Client], object]] = {
    "add": lambda daemon: daemon.add(
        "magnet:?xt=urn:btih:" + HEX,
        dir="/srv",
        paused=True,
        select=["0-2", "*.mkv"],
        peers="192.0.2.1:6881",
        labels=["isos"],
        sequential=True,
        super_seeding=True,
        download_bytes_per_s_max=1,
        upload_bytes_per_s_max=0,
        rules="when ratio > 2: pause",
    ),
    "adopt": lambda daemon: daemon.adopt(b"d1:ae", "/srv", dir="/srv", dry_run=True),
    "status": lambda daemon: daemon.status("all"),
    "info": lambda daemon: daemon.info(ONE),
    "why": lambda daemon: daemon.why(["all"]),
    "peers": lambda daemon: daemon.peers(ONE),
    "files": lambda daemon: daemon.files(
        ONE, select="0", also="1", skip="2", high="3", normal="4", low="5", sequential=False
    ),
    "pieces": lambda daemon: daemon.pieces(ONE),
    "export": lambda daemon: daemon.export(ONE, metainfo=True),
    "resolve": lambda daemon: daemon.resolve("magnet:?", timeout_s=1),
    "pause": lambda daemon: daemon.pause(ONE),
    "resume": lambda daemon: daemon.resume([ONE]),
    "verify": lambda daemon: daemon.verify("all"),
    "announce": lambda daemon: daemon.announce(["state:downloading"]),
    "remove": lambda daemon: daemon.remove("torrent 9", trash=True),
    "add_peer": lambda daemon: daemon.add_peer(ONE, "192.0.2.1:6881"),
    "wait": lambda daemon: daemon.wait(ONE, until="seeding", timeout_s=0),
    "label": lambda daemon: daemon.label(ONE, add="isos", remove=["new"]),
    "queue": lambda daemon: daemon.queue(ONE, "top"),
    "move": lambda daemon: daemon.move(ONE, "/srv"),
    "rename": lambda daemon: daemon.rename(ONE, "other", path="a/b"),
    "limits": lambda daemon: daemon.limits(
        ONE, download_bytes_per_s_max=0, upload_bytes_per_s_max=5, rules="none", super_seeding=False
    ),
    "ban": lambda daemon: daemon.ban("192.0.2.1", remove=True),
    "stats": lambda daemon: daemon.stats(days=3),
    "version": lambda daemon: daemon.version(),
    "shutdown": lambda daemon: daemon.shutdown(),
    "events": lambda daemon: daemon.events("0"),
    "follow_events": lambda daemon: next(daemon.follow_events("0")),
    "dht_status": lambda daemon: daemon.dht_status(),
    "dht_nodes": lambda daemon: daemon.dht_nodes(),
    "dht_lookup": lambda daemon: daemon.dht_lookup(HEX, timeout_s=1),
    "follow_dht_lookup": lambda daemon: list(daemon.follow_dht_lookup(HEX, timeout_s=1)),
    "dht_scrape": lambda daemon: daemon.dht_scrape(HEX),
    "dht_get": lambda daemon: daemon.dht_get("ab" * 32, salt="6e"),
    "dht_put": lambda daemon: daemon.dht_put("Hello World!"),
    "dht_sample": lambda daemon: daemon.dht_sample(HEX),
    "dht_ping": lambda daemon: daemon.dht_ping("192.0.2.1:6881"),
    "dht_add_node": lambda daemon: daemon.dht_add_node("192.0.2.1:6881"),
    "follow": lambda daemon: daemon.follow("magnet:?xs=urn:btpk:" + "ab" * 32, dir="/srv"),
    "unfollow": lambda daemon: daemon.unfollow("abab"),
    "publish": lambda daemon: daemon.publish("ab" * 32, HEX, 1, "ab" * 64, salt="6e"),
    "config_show": lambda daemon: daemon.config_show("log"),
    "config_diff": lambda daemon: daemon.config_diff(),
    "config_explain": lambda daemon: daemon.config_explain(["log.level"]),
    "config_set": lambda daemon: daemon.config_set("log.level", "debug"),
    "config_drop": lambda daemon: daemon.config_drop("log.level"),
    "reload": lambda daemon: daemon.reload(),
}
# What a fake session refuses.
NOES = {"resolve": "no peer was found", "dht_sample": "takes too long to answer"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    path = tmp_path / "torrentd.yaml"
    path.write_text(f"state_dir: {tmp_path}\n")
    settings = Settings(path, {"HOME": "/home/u"})

    async def save(data: bytes) -> str | None:
        return None

    settings.save = save
    session = FakeSession(make_torrent(8), make_torrent(9))
    session.journal.put(1, dir="/srv", size_bytes=1)
    session.dht.hops = [make_hop(1)]
    session.adoption = Adoption(HEX, "one", "/srv", True, 1, 1, 1)
    more = {
        **ConfigVerbs(settings, settings.reload).by_name,
        **LimitVerbs(session, settings).by_name,
    }
    with serve(session, more=more) as running:
        yield running


def test_all_are_called() -> None:
    made = {name for name, value in vars(Methods).items() if isinstance(value, Method | Following)}
    assert made == set(CALLS)


def test_the_daemon_takes_each_with_all_that_it_may_be_told(served: Served) -> None:
    noes = {}
    with Client(str(served.path)) as daemon:
        for name, call in CALLS.items():
            try:
                assert call(daemon), name
            except Refused as refused:
                noes[name] = refused.sentence
    assert noes.keys() == NOES.keys(), noes
    assert all(NOES[name] in sentence for name, sentence in noes.items())
    assert served.faults == []


def test_what_was_not_said_is_not_sent(served: Served) -> None:
    """A default is the daemon's to know, and 0 and false are something to say."""
    with Client(str(served.path)) as daemon:
        daemon.add("magnet:?xt=urn:btih:" + HEX, upload_bytes_per_s_max=0)
        daemon.files(ONE, sequential=False)
        daemon.files(ONE)
    (added,), choices = served.session.added, served.session.choices
    assert added.options.upload_bytes_per_s_max == 0 and added.select == []
    assert [choice.sequential for _, choice in choices] == [False]


def test_the_async_client_asks_the_same(served: Served) -> None:
    async def story() -> None:
        async with AsyncClient(str(served.path)) as daemon:
            assert (await daemon.status("torrent 9"))["torrents"][0]["name"] == "torrent 9"
            assert (await daemon.pause("all"))["torrents"][1]["name"] == "torrent 9"

    asyncio.run(story())


def test_every_method_says_what_its_name_does_not(served: Served) -> None:
    """Or has a name that says it all, and then no parameter to explain."""
    for name, made in vars(Methods).items():
        if isinstance(made, Method | Following) and not made.__doc__:
            assert len(inspect.signature(made._make).parameters) <= 3, name
