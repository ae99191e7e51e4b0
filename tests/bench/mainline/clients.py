"""The clients that are measured, each as its own process with a folder of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tests.interop.transmission_client import TransmissionClient
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client

METADATA_S_MAX: Final = 60.0
TRANSMISSION_S_MAX: Final = 240.0
START_S_MAX: Final = 30.0


@dataclass
class Added:
    """Times of CLOCK_MONOTONIC; `metadata_at` is None when it did not come."""

    added_at: float
    metadata_at: float | None


class MagnetClient(Protocol):
    """One client that runs until `close`."""

    host: str

    def add(self, infohash: str) -> Added:
        """Returns when the metadata is there, or will not come."""

    def remove(self, infohash: str) -> None: ...
    def close(self) -> None: ...


class Libtorrent:
    def __init__(self, host: str, directory: Path, bootstrap: list[str]) -> None:
        self.host = host
        module = "tests.bench.mainline.libtorrent_magnets"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, host, str(directory), ",".join(bootstrap)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said()

    def add(self, infohash: str) -> Added:
        self._say(infohash)
        told = json.loads(self._said())
        return Added(told["added_at"], told["metadata_at"])

    def remove(self, infohash: str) -> None:
        self._say(f"-{infohash}")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Torrentd:
    """Added to through its control socket, as torrentctl does."""

    def __init__(self, host: str, directory: Path, bootstrap: list[str]) -> None:
        self.host = host
        directory.mkdir(parents=True, exist_ok=True)
        self._socket = directory / "control.sock"
        config = {
            "state_dir": str(directory / "state"),
            "download_dir": str(directory / "downloads"),
            "listen": {"addresses": [host], "port": 6881},
            "control": {"socket": str(self._socket)},
            "dht": {"enabled": True, "bootstrap": bootstrap},
        }
        path = directory / "torrentd.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        self._log = (directory / "log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "torrentd.daemon.main", "--config", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._client = Client(str(self._socket))

    def add(self, infohash: str) -> Added:
        """At once, even when it has only begun to start: nobody waits for a daemon to be ready."""
        until = time.monotonic() + START_S_MAX
        while not self._socket.exists():
            assert time.monotonic() < until, "torrentd does not start"
            time.sleep(0.001)
        added_at = time.monotonic()
        self._client.call("add", {"uri": f"magnet:?xt=urn:btih:{infohash}"})
        wait: dict[str, Json] = {
            "torrents": [infohash],
            "until": "metadata",
            "timeout_s": METADATA_S_MAX,
        }
        waited = self._client.call("wait", wait, answer_s=METADATA_S_MAX + 5)
        metadata_at = time.monotonic()
        return Added(added_at, metadata_at if waited.flag("reached") else None)

    def remove(self, infohash: str) -> None:
        self._client.call("remove", {"torrents": [infohash]})

    def close(self) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait()
        self._log.close()


class Transmission:
    """transmission-daemon with its DHT on; its bootstrap hosts go into a file, as it has no option
    for them."""

    def __init__(self, host: str, directory: Path, bootstrap: list[str]) -> None:
        self.host = host
        directory.mkdir(parents=True, exist_ok=True)
        self._daemon = TransmissionClient(host, directory)
        path = self._daemon.directory / "settings.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"dht-enabled": True}))
        nodes = "".join(node.replace(":", " ") + "\n" for node in bootstrap)
        (self._daemon.directory / "dht.bootstrap").write_text(nodes)
        self._daemon.__enter__()
        self._numbers: dict[str, int] = {}

    def add(self, infohash: str) -> Added:
        added_at = time.monotonic()
        self._numbers[infohash] = number = self._daemon.add(f"magnet:?xt=urn:btih:{infohash}")
        fields: dict[str, object] = {"ids": [number], "fields": ["metadataPercentComplete"]}
        while time.monotonic() < added_at + TRANSMISSION_S_MAX:
            torrents = self._daemon.call("torrent-get", fields)["torrents"]
            assert isinstance(torrents, list)
            if torrents[0]["metadataPercentComplete"] == 1:
                return Added(added_at, time.monotonic())
            time.sleep(0.01)
        return Added(added_at, None)

    def remove(self, infohash: str) -> None:
        self._daemon.call("torrent-remove", {"ids": [self._numbers.pop(infohash)]})

    def close(self) -> None:
        self._daemon.__exit__()


CLIENTS: Final[dict[str, Callable[[str, Path, list[str]], MagnetClient]]] = {
    "libtorrent": Libtorrent,
    "torrentd": Torrentd,
    "transmission": Transmission,
}
