"""transmission-daemon (Debian) as a real peer, commanded over its RPC."""

import base64
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import wait_until
from tests.interop.payload import Payload

PEER_PORT = 51413
RPC_PORT = 9091


def require_transmission() -> None:
    """Skip where the program is absent; in the gate its absence is a failure."""
    if shutil.which("transmission-daemon") is None:
        assert os.environ.get("TORRENTD_REAL_CLIENTS") != "required", (
            "transmission-daemon is absent"
        )
        pytest.skip("transmission-daemon is not installed")


class TransmissionClient:
    """One transmission-daemon on `host`. Use as a context manager."""

    def __init__(self, host: str, directory: Path) -> None:
        self.host, self.port = host, PEER_PORT
        self.directory = directory / "transmission"
        self.downloads = directory / "transmission-downloads"
        self.downloads.mkdir(parents=True)
        self.directory.mkdir()
        settings = {
            "bind-address-ipv4": host,
            "rpc-bind-address": host,
            "rpc-port": RPC_PORT,
            "rpc-authentication-required": False,
            "rpc-whitelist-enabled": False,
            "peer-port": PEER_PORT,
            "dht-enabled": False,
            "lpd-enabled": False,
            "pex-enabled": True,
            "utp-enabled": False,  # until uTP is built here
            "encryption": 0,
            "port-forwarding-enabled": False,
            "download-dir": str(self.downloads),
            "umask": 18,
        }
        (self.directory / "settings.json").write_text(json.dumps(settings))
        self._session_id = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "TransmissionClient":
        log = (self.directory / "log").open("wb")
        self._process = subprocess.Popen(
            ["transmission-daemon", "--foreground", "--config-dir", str(self.directory)],
            stdout=log,
            stderr=log,
        )
        log.close()
        wait_until(self._answers, 20, "transmission-daemon answers")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, so that it writes down what it knows."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=30)

    def add(self, uri_or_path: str | Path, directory: Path | None = None) -> int:
        """Add a magnet (str) or a torrent file (Path) whose data is or will be in `directory`."""
        arguments: dict[str, object] = {"download-dir": str(directory or self.downloads)}
        if isinstance(uri_or_path, Path):
            arguments["metainfo"] = base64.b64encode(uri_or_path.read_bytes()).decode()
        else:
            arguments["filename"] = uri_or_path
        added = self.call("torrent-add", arguments)["torrent-added"]
        assert isinstance(added, dict)
        return int(added["id"])

    def seed(self, payload: Payload) -> None:
        """Add a complete torrent, have it verified, and wait until it seeds."""
        number = self.add(payload.torrent_path, payload.parent)
        self.call("torrent-verify", {"ids": [number]})
        wait_until(lambda: self.progress(number) == (6, 1.0), 60, "transmission seeds")

    def progress(self, number: int) -> tuple[int, float]:
        """Status (6: seeding) and the share that is done."""
        fields = ["status", "percentDone", "metadataPercentComplete"]
        torrents = self.call("torrent-get", {"ids": [number], "fields": fields})["torrents"]
        assert isinstance(torrents, list)
        torrent = torrents[0]
        return int(torrent["status"]), float(
            torrent["percentDone"] if torrent["metadataPercentComplete"] == 1 else 0.0
        )

    def call(self, method: str, arguments: dict[str, object]) -> dict[str, object]:
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        for _ in range(2):
            request = urllib.request.Request(
                f"http://{self.host}:{RPC_PORT}/transmission/rpc",
                body,
                {"X-Transmission-Session-Id": self._session_id},
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    answer = json.load(response)
                    assert answer["result"] == "success", answer
                    arguments_out = answer["arguments"]
                    assert isinstance(arguments_out, dict)
                    return arguments_out
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise
                self._session_id = error.headers["X-Transmission-Session-Id"]
                error.close()
        raise AssertionError("transmission keeps asking for a session id")

    def _answers(self) -> bool:
        try:
            self.call("session-get", {})
        except OSError:
            return False
        return True
