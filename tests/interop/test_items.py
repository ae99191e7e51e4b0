"""Items, samples and scrapes between us and libtorrent, both directions (BEP 33, 44, 51)."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import libtorrent as lt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop.libtorrent_client import LibtorrentClient, dht_client, wait_until
from tests.interop.payload import Payload
from tests.interop.torrentd_process import TorrentdProcess

SEED = bytes(range(32))
HELLO = "e5f96f6f38320f0f33959cb4d3d656452117aadb"


class Room:
    """One torrentd, and two libtorrents that know only it: whatever passes between them is in our
    store or came through us."""

    def __init__(self, stack: ExitStack, new_host: Callable[[], str], folder: Path) -> None:
        self.torrentd = stack.enter_context(
            TorrentdProcess(new_host(), folder, bootstrap=["127.0.0.1:9"])
        )
        self.clients = [stack.enter_context(dht_client(new_host())) for _ in range(2)]
        for client in self.clients:
            client.session.apply_settings({"alert_mask": lt.alert.category_t.all_categories})
            client.add_node(self.torrentd.host, self.torrentd.port)
            self.ctl("dht", "add-node", f"{client.host}:{client.port}")
        wait_until(lambda: all(c.dht_nodes() >= 1 for c in self.clients), 30, "all know each other")

    def ctl(self, *arguments: str) -> dict[str, object]:
        document = json.loads(self.torrentd.ctl("--json", *arguments).stdout)
        assert isinstance(document, dict)
        return document


@pytest.fixture
def room(new_host: Callable[[], str], tmp_path: Path) -> Iterator[Room]:
    with ExitStack() as stack:
        yield Room(stack, new_host, tmp_path / "torrentd")


def alert_of(client: LibtorrentClient, kind: type[lt.alert], ask: Callable[[], None]) -> lt.alert:
    """The alert that answers, asked for until it comes."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        ask()
        again = time.monotonic() + 5
        while time.monotonic() < again:
            client.session.wait_for_alert(200)
            for alert in client.session.pop_alerts():
                if isinstance(alert, kind):
                    return alert
    raise AssertionError(f"libtorrent gave no {kind.__name__}")


def keys() -> tuple[bytes, bytes]:
    """Private (as libtorrent takes it: expanded) and public."""
    from hashlib import sha512

    expanded = bytearray(sha512(SEED).digest())
    expanded[0] &= 248
    expanded[31] = (expanded[31] & 63) | 64
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    return bytes(expanded), public


def test_an_immutable_item_goes_both_ways(room: Room) -> None:
    first, second = room.clients
    target = first.session.dht_put_immutable_item(b"from libtorrent")
    wait_until(lambda: room.ctl("dht", "get", str(target)).get("found") is True, 40, "it is here")
    assert room.ctl("dht", "get", str(target))["value"] == "from libtorrent"
    put = room.ctl("dht", "put", "Hello World!")
    assert put["target"] == HELLO and put["stored"] == 2
    alert = alert_of(
        second,
        lt.dht_immutable_item_alert,
        lambda: second.session.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(HELLO))),
    )
    assert isinstance(alert, lt.dht_immutable_item_alert)
    assert alert.item in (b"Hello World!", "Hello World!", {"value": b"Hello World!"})


def test_a_mutable_item_of_libtorrent_is_verified_and_told_on(room: Room) -> None:
    first, second = room.clients
    private, public = keys()
    first.session.dht_put_mutable_item(private, public, b"d2:ih20:" + b"i" * 20 + b"e", b"salt")

    def found() -> bool:
        return room.ctl("dht", "get", public.hex(), "--salt", b"salt".hex()).get("found") is True

    wait_until(found, 40, "the item is here")
    alert = alert_of(
        second,
        lt.dht_mutable_item_alert,
        lambda: second.session.dht_get_mutable_item(public, b"salt"),
    )
    assert isinstance(alert, lt.dht_mutable_item_alert)
    assert (
        bytes(alert.key) == public
        and alert.seq == room.ctl("dht", "get", public.hex(), "--salt", b"salt".hex())["seq"]
    )


def test_samples_go_both_ways_and_libtorrent_is_scraped(room: Room, single: Payload) -> None:
    first, second = room.clients
    first.seed(single).force_dht_announce()
    wait_until(
        lambda: room.ctl("dht", "scrape", single.infohash).get("seeds") == 1, 60, "it is counted"
    )
    sampled = room.ctl("dht", "sample")
    assert single.infohash in str(sampled["infohashes"]) and sampled["nodes"] == 2
    us = (room.torrentd.host, room.torrentd.port)
    alert = alert_of(
        second,
        lt.dht_sample_infohashes_alert,
        lambda: second.session.dht_sample_infohashes(us, lt.sha1_hash(bytes(20))),
    )
    assert isinstance(alert, lt.dht_sample_infohashes_alert)
    assert single.infohash in [str(infohash) for infohash in alert.samples]
