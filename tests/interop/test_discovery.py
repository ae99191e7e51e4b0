"""Peers that only a DHT knew about (BEP 5): an infohash and one bootstrap address are enough."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import LibtorrentClient, dht_client, wait_until
from tests.interop.payload import Payload
from tests.interop.torrentd_process import TorrentdProcess

NODE_COUNT = 8


@pytest.fixture
def dht(new_host: Callable[[], str]) -> Iterator[list[LibtorrentClient]]:
    """A private DHT of libtorrent nodes, each introduced to the others."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(dht_client(new_host())) for _ in range(NODE_COUNT)]
        for node in nodes:
            for other in nodes:
                if other is not node:
                    node.add_node(other.host, other.port)
        wait_until(lambda: all(node.dht_nodes() >= 4 for node in nodes), 60, "the DHT is up")
        yield nodes


def test_an_infohash_and_one_bootstrap_address_are_enough_to_download(
    dht: list[LibtorrentClient], single: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    bootstrap = f"{dht[0].host}:{dht[0].port}"
    with dht_client(new_host()) as seeder:
        seeder.add_node(dht[1].host, dht[1].port)
        wait_until(lambda: seeder.dht_nodes() >= 2, 30, "the seeder is in the DHT")
        seeder.seed(single).force_dht_announce()
        with TorrentdProcess(new_host(), tmp_path / "torrentd", bootstrap=[bootstrap]) as torrentd:
            torrentd.command("add", single.infohash)
            torrentd.command("wait", single.infohash, "--timeout", "90", timeout_s=100)
            assert single.is_complete_in(torrentd.downloads)


def test_a_libtorrent_client_finds_torrentd_through_the_dht(
    dht: list[LibtorrentClient], single: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    bootstrap = f"{dht[0].host}:{dht[0].port}"
    with TorrentdProcess(new_host(), tmp_path / "torrentd", bootstrap=[bootstrap]) as torrentd:
        torrentd.command("add", str(single.torrent_path), "--dir", str(single.parent))
        torrentd.command("wait", single.infohash, "--timeout", "60", timeout_s=70)
        with dht_client(new_host()) as libtorrent:
            libtorrent.add_node(dht[2].host, dht[2].port)
            wait_until(lambda: libtorrent.dht_nodes() >= 2, 30, "libtorrent is in the DHT")
            handle = libtorrent.download(single.magnet, tmp_path / "libtorrent")
            wait_until(lambda: handle.status().is_seeding, 90, "libtorrent found us and has it all")
            wait_until(
                lambda: single.is_complete_in(tmp_path / "libtorrent"), 20, "every byte is there"
            )


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_two_torrentd_alone_find_each_other_over_a_dht_of_ours(
    family: str, single: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    hosts = ("::1", "::1") if family == "ipv6" else (new_host(), new_host())
    ports = (16881, 16882)
    bracketed = [f"[{host}]" if ":" in host else host for host in hosts]
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                TorrentdProcess(
                    hosts[number],
                    tmp_path / str(number),
                    port=ports[number],
                    bootstrap=[f"{bracketed[1 - number]}:{ports[1 - number]}"],
                )
            )
            for number in range(2)
        )
        first.command("add", str(single.torrent_path), "--dir", str(single.parent))
        second.command("add", single.infohash)
        second.command("wait", single.infohash, "--timeout", "60", timeout_s=70)
        assert single.is_complete_in(second.downloads)
