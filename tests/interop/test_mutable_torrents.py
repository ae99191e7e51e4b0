"""A mutable torrent end to end (BEP 46): published, followed to a new version, over a restart, with
a real libtorrent's store between the two."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.interop.libtorrent_client import dht_client, wait_until
from tests.interop.payload import single_file
from tests.interop.torrentd_process import TorrentdProcess


def test_a_follower_moves_to_each_new_version(new_host: Callable[[], str], tmp_path: Path) -> None:
    versions = [single_file(tmp_path / name, 200_000 + len(name)) for name in ("one", "second")]
    with ExitStack() as stack:
        store = stack.enter_context(dht_client(new_host()))
        bootstrap = [f"{store.host}:{store.port}"]
        publisher, follower = (
            stack.enter_context(TorrentdProcess(new_host(), tmp_path / name, bootstrap=bootstrap))
            for name in ("publisher", "follower")
        )
        for daemon in (publisher, follower):
            daemon.command("dht", "add-node", bootstrap[0])
        key = str(tmp_path / "key.pem")
        for version in versions:
            publisher.command("add", str(version.torrent_path), "--dir", str(version.parent))
        first = json.loads(
            publisher.command(
                "--json", "publish", versions[0].infohash, "--key", key, "--new-key", "--salt", "n"
            )
        )
        assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600 and first["stored"] >= 1
        follower.command("follow", first["magnet"])
        host, port = publisher.host, publisher.port

        def has(version: int) -> bool:
            infohash = versions[version].infohash
            if follower.ctl("add-peer", infohash, f"{host}:{port}").returncode:
                return False
            return follower.torrent(infohash)["state"] == "seeding"

        wait_until(lambda: has(0), 60, "the first version is here")
        follower.kill()
        second = json.loads(
            publisher.command(
                "--json", "publish", versions[1].infohash, "--key", key, "--salt", "n"
            )
        )
        assert second["magnet"] == first["magnet"] and second["seq"] > first["seq"]
        follower.start()
        wait_until(lambda: has(1), 60, "the second version is here")
        assert follower.ctl("info", versions[0].infohash).returncode == 1  # left, its data kept
        assert versions[0].is_complete_in(follower.downloads)
        assert versions[1].is_complete_in(follower.downloads)
        pointers = json.loads(follower.command("--json", "follow"))["pointers"]
        assert [p["infohash"] for p in pointers] == [versions[1].infohash]
        refused = publisher.ctl("publish", versions[0].infohash, "--key", str(tmp_path / "none"))
        assert refused.returncode == 2 and "--new-key" in refused.stderr
