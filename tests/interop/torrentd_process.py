"""A real torrentd process, commanded by real torrentctl processes, as a user would."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.interop.libtorrent_client import wait_until

PORT = 6881


class TorrentdProcess:
    """torrentd on `host`:`port`, perhaps on more hosts, with a folder of its own. Use as a
    context manager."""

    def __init__(
        self,
        host: str | list[str],
        directory: Path,
        *,
        port: int = PORT,
        bootstrap: list[str] | None = None,
        limits: dict[str, int] | None = None,
        rates: dict[str, int | bool] | None = None,
        launcher: Callable[..., list[str]] | None = None,
        allow_local: bool = True,
        metrics: str | None = None,
    ) -> None:
        """`launcher`: makes of a command the one that runs it elsewhere."""
        addresses = [host] if isinstance(host, str) else host
        self.host, self.port = addresses[0], port
        self.directory = directory
        self.downloads = directory / "downloads"
        self.state = directory / "state"
        directory.mkdir(parents=True, exist_ok=True)
        self.socket = directory / "control.sock"
        config = {
            "state_dir": str(self.state),
            "download_dir": str(self.downloads),
            "listen": {"addresses": addresses, "port": port},
            "control": {"socket": str(self.socket)},
            "dht": {"enabled": bootstrap is not None, "bootstrap": bootstrap or []},
            "network": {"allow_local_addresses": allow_local},
            "limits": {
                "connections_per_address_max": 50,
                "free_bytes_min": 0,
                "free_percent_min": 0,
                **(limits or {}),
            },
            "rates": rates or {},
            "metrics": {"listen": metrics},
            "log": {"level": "info", "format": "json"},
        }
        (directory / "torrentd.yaml").write_text(json.dumps(config))  # JSON is YAML
        self.log_path = directory / "log"
        self._launcher = launcher or _as_it_is
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "TorrentdProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def start(self) -> None:
        self.launch()
        wait_until(self._answers, 20, f"torrentd answers; its log: {self.log_path}")

    def launch(self) -> None:
        """Begin to start."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._launcher(
                    sys.executable,
                    "-m",
                    "torrentd.daemon.main",
                    "--config",
                    str(self.directory / "torrentd.yaml"),
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=10)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def ctl(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run torrentctl; never raises for its exit code."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "torrentd.daemon.ctl.main",
                "--socket",
                str(self.socket),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )

    def command(self, *arguments: str, timeout_s: float = 60) -> str:
        """Run torrentctl, which must exit 0; its standard output."""
        done = self.ctl(*arguments, timeout_s=timeout_s)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}: {done.stderr}"
        return done.stdout

    def torrent(self, infohash: str) -> dict[str, object]:
        """The torrent's entry of `status --json`."""
        document = json.loads(self.command("--json", "status", infohash))
        torrents = document["torrents"]
        assert isinstance(torrents, list)
        entry = torrents[0]
        assert isinstance(entry, dict)
        return entry

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"torrentd ended: {self.log_path.read_text()[-2000:]}"
        return self.socket.exists() and self.ctl("version").returncode == 0


def _as_it_is(*command: str) -> list[str]:
    return [*command]
