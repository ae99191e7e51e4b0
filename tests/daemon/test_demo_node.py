"""One torrentd process of the demonstration: its configuration, its failures, its end."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from torrentd.config.load import load_config
from torrentd.daemon import demo_node
from torrentd.daemon.demo_node import DemoFailed, Node, NodeSettings, free_port, undisturbed


def settings(folder: Path, host: str | None = None) -> NodeSettings:
    return NodeSettings(
        state_dir=folder / "state",
        download_dir=folder / "downloads",
        socket=folder / "control.sock",
        port=21999,
        host=host,
    )


class TestSettings:
    def test_they_are_a_configuration(self, tmp_path: Path) -> None:
        path = tmp_path / "torrentd.yaml"
        wanted = settings(tmp_path, host="127.0.9.1")
        wanted.bootstrap = ["127.0.1.1:6881"]
        wanted.allow_local_addresses = True
        path.write_text(wanted.as_yaml())
        config = load_config(path, {})
        assert config.listen.addresses == ("127.0.9.1",) and config.listen.port == 21999
        assert config.dht.bootstrap == ("127.0.1.1:6881",)
        assert config.network.allow_local_addresses
        assert config.state_dir == tmp_path / "state"

    def test_what_is_not_said_is_as_shipped(self, tmp_path: Path) -> None:
        path = tmp_path / "torrentd.yaml"
        path.write_text(settings(tmp_path).as_yaml())
        config = load_config(path, {})
        assert len(config.dht.bootstrap) == 3 and config.listen.addresses == ("0.0.0.0", "::")
        assert not config.network.allow_local_addresses


class TestPorts:
    def test_the_wanted_port_if_it_is_free(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.9.1", 0))
            port: int = taken.getsockname()[1]
            taken.listen()
            assert free_port("127.0.9.1", port) != port
        assert free_port("127.0.9.1", port) == port

    def test_a_port_taken_for_udp_is_taken(self) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.9.1", 0))
            port: int = taken.getsockname()[1]
            assert free_port("127.0.9.1", port) != port

    def test_an_address_that_is_not_ours_is_a_sentence(self) -> None:
        with pytest.raises(DemoFailed, match=r"no port is free at 192.0.2.1"):
            free_port("192.0.2.1", 6881)


class TestFailures:
    def test_a_daemon_that_does_not_start_says_why(self, tmp_path: Path) -> None:
        node = Node(settings(tmp_path, host="nonsense"))
        node.start()
        with pytest.raises(DemoFailed, match=r"torrentd did not start: .*listen"):
            node.wait_until_ready()
        node.stop()

    def test_a_daemon_that_does_not_stop_is_killed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(demo_node, "STOP_S", 0.05)
        program = (
            "import signal\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('ready', flush=True)\n"
            "signal.pause()\n"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as deaf:
            assert deaf.stdout is not None and deaf.stdout.readline() == b"ready\n"
            Node(settings(tmp_path), process=deaf).stop()
            assert deaf.poll() == -9

    def test_last_words_are_fit_to_be_printed(self, tmp_path: Path) -> None:
        node = Node(settings(tmp_path))
        assert node.last_words() == "it said nothing"
        node.settings.state_dir.mkdir()
        (node.settings.state_dir / "torrentd.log").write_bytes(b"one\ntwo \x1b[2J \xff\n")
        assert node.last_words() == "two \\x1b[2J �"


class TestSignals:
    def test_a_signal_waits_for_the_end_of_what_must_not_be_disturbed(self) -> None:
        done: list[str] = []
        with pytest.raises(KeyboardInterrupt):
            with undisturbed():
                signal.raise_signal(signal.SIGINT)
                done.append("undisturbed")
            done.append("never reached")
        assert done == ["undisturbed"]

    def test_afterwards_signals_mean_what_they_meant(self) -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        with undisturbed():
            assert signal.getsignal(signal.SIGTERM) != before[0]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
