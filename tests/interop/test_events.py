"""The journal of a real daemon, followed by a real torrentctl, over kills and restarts."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.interop.libtorrent_client import wait_until
from tests.interop.payload import single_file
from tests.interop.torrentd_process import TorrentdProcess

KILLS = 5


def follow(torrentd: TorrentdProcess, cursor: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "torrentd.daemon.ctl.main", "--socket", str(torrentd.socket)]
    return subprocess.Popen(
        [*command, "events", "--follow", "--jsonl", "--since", cursor],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_who_keeps_his_cursor_misses_nothing_however_often_the_daemon_is_killed(
    tmp_path: Path, new_host: Callable[[], str]
) -> None:
    seen: list[tuple[str, str]] = []
    cursor, added = "0", []
    with TorrentdProcess(new_host(), tmp_path / "daemon") as torrentd:
        for number in range(KILLS):
            reader = follow(torrentd, cursor)
            payload = single_file(tmp_path / "source", 100_000, 16384, seed=number)
            torrentd.command("add", str(payload.torrent_path), "--dir", str(tmp_path / "source"))
            added.append(payload.infohash)
            torrentd.kill()  # perhaps before the journal has it, perhaps before it is told
            out, _ = reader.communicate(timeout=20)
            for line in out.splitlines():
                event = json.loads(line)
                cursor = event["cursor"]
                seen.append((event["event"], event.get("infohash", "")))
            torrentd.start()
        torrentd.command("wait", "all", "--timeout", "20")
        later = json.loads(torrentd.command("events", "--json", "--since", cursor))
        seen += [(event["event"], event.get("infohash", "")) for event in later["events"]]
        assert torrentd.stop() == 0
    assert ("missed", "") not in seen
    for infohash in added:
        for event in ("added", "metadata", "done"):
            assert (event, infohash) in seen, (event, infohash, seen)
    assert seen.count(("started", "")) == KILLS + 1


def test_every_hook_is_run_at_least_once_however_often_the_daemon_is_killed(
    tmp_path: Path, new_host: Callable[[], str]
) -> None:
    out, source = tmp_path / "out", tmp_path / "source"
    torrentd = TorrentdProcess(new_host(), tmp_path / "daemon")
    config = json.loads((torrentd.directory / "torrentd.yaml").read_text())
    script = f'sleep 0.05; echo "$TORRENTD_INFOHASH" >>{out}'
    config["hooks"] = [{"on": ["done"], "command": ["/bin/sh", "-c", script]}]
    (torrentd.directory / "torrentd.yaml").write_text(json.dumps(config))
    payloads = [single_file(source, 50_000, 16384, seed=seed) for seed in range(3 * KILLS)]
    with torrentd:
        for start in range(0, len(payloads), 3):
            for payload in payloads[start : start + 3]:
                torrentd.command("add", str(payload.torrent_path), "--dir", str(source))
            torrentd.kill()
            torrentd.start()
        wanted = {payload.infohash for payload in payloads}
        wait_until(lambda: out.exists() and wanted <= set(out.read_text().split()), 30, "hooks")
        assert torrentd.stop() == 0
