"""`torrentctl watch` on a terminal, beside real daemons: a download is seen, paused and removed."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.daemon.ctl.screen.terminal import Terminal
from tests.interop.libtorrent_client import wait_until
from tests.interop.payload import Payload
from tests.interop.torrentd_process import TorrentdProcess

LIMIT_BYTES_PER_S = 2 * 1024 * 1024


def test_a_download_is_watched_from_its_magnet_to_its_end(
    single: Payload, new_host: Callable[[], str], tmp_path: Path
) -> None:
    ours, theirs = new_host(), new_host()
    with (
        TorrentdProcess(theirs, tmp_path / "seeder", bootstrap=[f"{ours}:6881"]) as seeder,
        TorrentdProcess(
            ours,
            tmp_path / "leecher",
            bootstrap=[f"{theirs}:6881"],
            rates={
                "download_bytes_per_s_max": LIMIT_BYTES_PER_S,
                "limit_local_network": True,
            },
        ) as leecher,
    ):
        seeder.command("add", str(single.torrent_path), "--dir", str(single.parent), "--wait")
        command = [sys.executable, "-m", "torrentd.daemon.ctl.main"]
        with Terminal([*command, "--socket", str(leecher.socket), "watch"]) as terminal:
            terminal.shows("no torrent yet: a adds one")
            terminal.press(b"a")
            terminal.shows("add a magnet, an infohash")
            terminal.press(single.infohash.encode() + b"\r")
            terminal.shows(f"added {single.infohash}")
            leecher.command("add-peer", single.infohash, f"{theirs}:6881")
            terminal.shows("downloading")
            terminal.press(b"p")
            terminal.shows("paused ")
            wait_until(lambda: state(leecher, single) == "paused", 10, "it is paused")
            terminal.press(b"r\r")
            terminal.shows("2 peers", "infohash", single.infohash)
            terminal.press(b"2")
            terminal.shows("ADDRESS", f"{theirs}:")
            leecher.command("limits", "--down", "0")
            terminal.shows(f"done: {single.root.name}"[:30])
            for key, text in ((b"3", "WANTED"), (b"4", "pieces had"), (b"1", "it is complete")):
                terminal.press(key)
                terminal.shows(text)
            leecher.kill()
            terminal.shows("gone, asked again every second: no daemon at")
            del terminal.written[:]
            leecher.start()
            terminal.shows("1 torrent, down")
            terminal.press(b"x")
            terminal.shows("data deleted")
            terminal.press(b"d")
            terminal.shows("no torrent yet")
            terminal.press(b"\x03")
            assert terminal.ended() == 130
        assert not (leecher.downloads / single.root.name).exists()


def state(daemon: TorrentdProcess, payload: Payload) -> object:
    return daemon.torrent(payload.infohash)["state"]
