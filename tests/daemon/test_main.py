"""The process torrentd: its options, its exit codes, its signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.session_room import TIMEOUT_S, new_host
from tests.interop.libtorrent_client import wait_until
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.config.load import EX_CONFIG
from torrentd.daemon.version import VERSION

STOP_S_MAX = 2.0


def torrentd(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a torrentd that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "torrentd.daemon.main", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def events(process: TorrentdProcess) -> list[str]:
    """The kinds of the whole lines that it has logged so far."""
    lines = process.log_path.read_text().split("\n")[:-1]
    return [json.loads(line)["event"] for line in lines]


def reload_with(process: TorrentdProcess, log_level: str, **more: object) -> None:
    """Write other configuration, and send SIGHUP."""
    path = process.directory / "torrentd.yaml"
    document = json.loads(path.read_text())
    document["log"]["level"] = log_level
    path.write_text(json.dumps({**document, **more}))
    os.kill(process.pid, signal.SIGHUP)


def stop(process: TorrentdProcess, number: signal.Signals) -> int:
    """Send the signal, that one alone; the exit code."""
    assert process._process is not None
    process._process.send_signal(number)
    return process._process.wait(timeout=TIMEOUT_S)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[TorrentdProcess]:
    with TorrentdProcess(new_host(), tmp_path / "daemon") as process:
        yield process


def test_what_a_seeder_never_uses_is_not_loaded_at_the_start() -> None:
    """Each costs more memory than a thousand torrents at rest."""
    program = "import sys, torrentd.daemon.main; print(*{n.partition('.')[0] for n in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "torrentd" in loaded
    assert not {"rich", "pygments", "cryptography"} & set(loaded)


class TestOptions:
    def test_version_is_told_on_standard_output(self) -> None:
        done = torrentd("--version")
        assert (done.returncode, done.stdout) == (0, f"torrentd {VERSION}\n")

    def test_a_right_configuration_is_called_right_and_nothing_starts(self, tmp_path: Path) -> None:
        path = tmp_path / "torrentd.yaml"
        path.write_text(f"state_dir: {tmp_path}/state\n")
        done = torrentd("--config", str(path), "--check-config")
        assert (done.returncode, done.stdout) == (0, f"{path} is right\n")
        assert not (tmp_path / "state").exists()

    @pytest.mark.parametrize("options", [["--check-config"], []], ids=["checked", "started"])
    def test_every_mistake_is_told_with_its_line_and_the_exit_code_is_78(
        self, options: list[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "torrentd.yaml"
        path.write_text(f"state_dir: {tmp_path}/state\nlisten:\n  port: 0\nlimit: {{}}\n")
        done = torrentd("--config", str(path), *options)
        assert (done.returncode, done.stdout) == (EX_CONFIG, "")
        port, limit = done.stderr.splitlines()
        assert port.startswith(f"{path}:3: listen.port: ")
        assert limit.startswith(f"{path}:4: limit: no such key")
        assert not (tmp_path / "state").exists()

    def test_an_option_that_does_not_exist_is_wrong_usage(self) -> None:
        done = torrentd("--daemonize")
        assert done.returncode == 2
        assert "--daemonize" in done.stderr


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_it_within_two_seconds_with_its_torrents_saved(
        self, number: signal.Signals, daemon: TorrentdProcess
    ) -> None:
        daemon.command("add", "ab" * 20)
        before = time.monotonic()
        assert stop(daemon, number) == 0
        assert time.monotonic() - before <= STOP_S_MAX
        assert events(daemon)[-1] == "stopped"
        assert not daemon.socket.exists()
        daemon.start()
        assert daemon.torrent("ab" * 20)["infohash"] == "ab" * 20


class TestReload:
    def test_a_file_with_a_mistake_changes_nothing(self, daemon: TorrentdProcess) -> None:
        reload_with(daemon, "error", nonsense=1)
        wait_until(
            lambda: "configuration not reloaded" in events(daemon), TIMEOUT_S, "the mistake is told"
        )
        assert daemon.stop() == 0
        assert "configuration reloaded" not in events(daemon)
        assert events(daemon)[-1] == "stopped"  # an info line: the level is what it was

    def test_a_right_file_counts_at_once(self, daemon: TorrentdProcess) -> None:
        reload_with(daemon, "debug", listen={"addresses": [new_host()]})
        wait_until(lambda: "configuration reloaded" in events(daemon), TIMEOUT_S, "it is reloaded")
        (line,) = (
            json.loads(line)
            for line in daemon.log_path.read_text().splitlines()
            if "configuration reloaded" in line
        )
        assert line["needs_restart"] == "listen.addresses"
        reload_with(daemon, "error")
        daemon.command("status")
        assert daemon.stop() == 0
        assert "stopped" not in events(daemon)  # an info line


class TestStart:
    def test_a_second_daemon_in_one_state_folder_is_refused(
        self, daemon: TorrentdProcess, tmp_path: Path
    ) -> None:
        other = TorrentdProcess(new_host(), tmp_path / "other")
        path = other.directory / "torrentd.yaml"
        document = {**json.loads(path.read_text()), "state_dir": str(daemon.state)}
        path.write_text(json.dumps(document))
        done = torrentd("--config", str(path))
        assert done.returncode == 1
        assert f"another torrentd uses {daemon.state}" in done.stderr
        assert daemon.ctl("version").returncode == 0

    def test_a_control_socket_of_a_living_daemon_is_not_taken(
        self, daemon: TorrentdProcess, tmp_path: Path
    ) -> None:
        other = TorrentdProcess(new_host(), tmp_path / "other")
        path = other.directory / "torrentd.yaml"
        document = {**json.loads(path.read_text()), "control": {"socket": str(daemon.socket)}}
        path.write_text(json.dumps(document))
        done = torrentd("--config", str(path))
        assert done.returncode == 1
        assert "cannot open the control socket" in done.stderr
        assert daemon.ctl("version").returncode == 0
