"""One torrentd process of the demonstration: its folder, its configuration, its end."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.failure import Failure

START_S = 15.0
STOP_S = 5.0
POLL_S = 0.05


class DemoFailed(Exception):
    """What went wrong, in a sentence."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the end of this.

    Between the fork and the return of Popen nobody else knows of the process: an exception there
    would leave it running for ever. Blocking the signals would not do, since a child inherits that.
    """
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: held.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for late in dict.fromkeys(held):
        signal.raise_signal(late)


@dataclass(slots=True)
class NodeSettings:
    """`host` is where it listens; None: everywhere. `bootstrap` None: the shipped hosts."""

    state_dir: Path
    download_dir: Path
    socket: Path
    port: int
    host: str | None = None
    bootstrap: Sequence[str] | None = None
    allow_local_addresses: bool = False

    def as_yaml(self) -> str:
        """JSON is YAML."""
        config: dict[str, object] = {
            "state_dir": str(self.state_dir),
            "download_dir": str(self.download_dir),
            "control": {"socket": str(self.socket)},
            "network": {"allow_local_addresses": self.allow_local_addresses},
        }
        if self.allow_local_addresses:  # a demonstration: it clears up after itself
            config["limits"] = {"free_bytes_min": 0, "free_percent_min": 0}
        config["listen"] = {"port": self.port}
        if self.host is not None:
            config["listen"] = {"port": self.port, "addresses": [self.host]}
        if self.bootstrap is not None:
            config["dht"] = {"bootstrap": list(self.bootstrap)}
        return json.dumps(config, indent=2)


@dataclass(slots=True)
class Node:
    """Started by `start`; `stop` is safe at any time."""

    settings: NodeSettings
    process: subprocess.Popen[bytes] | None = None
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(str(self.settings.socket))

    def start(self) -> None:
        """Does not wait: `wait_until_ready` does, so that several start side by side."""
        state_dir = self.settings.state_dir
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = state_dir / "torrentd.yaml"
        config.write_text(self.settings.as_yaml())
        with self._log_path().open("wb") as log, undisturbed():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "torrentd.daemon.main", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop it in our own order
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.client.call("version")
                return
            except Failure as failure:
                if self.process is None or self.process.poll() is not None:
                    raise DemoFailed(f"torrentd did not start: {self.last_words()}") from None
                if time.monotonic() > deadline:
                    raise DemoFailed(f"torrentd does not answer: {failure.sentence}") from None
            time.sleep(POLL_S)

    def call(self, method: str) -> Document:
        try:
            return self.client.call(method)
        except Failure as failure:
            raise DemoFailed(f"{failure.sentence}: {self.last_words()}") from None

    def torrentctl(self, *arguments: str, quiet: bool = False) -> int:
        """torrentctl as a person would run it, on our terminal; its exit code."""
        command = [sys.executable, "-m", "torrentd.daemon.ctl.main"]
        command += ["--socket", str(self.settings.socket), *arguments]
        sink = subprocess.DEVNULL if quiet else None
        with undisturbed():
            process = subprocess.Popen(command, stdout=sink, stderr=sink)
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches it too: it gives the terminal back and ends
            _end(process)
            raise
        except SystemExit:  # SIGTERM was for us alone
            process.terminate()
            _end(process)
            raise

    def terminate(self) -> None:
        """Ask it to stop, and do not wait."""
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        self.terminate()
        if self.process is not None:
            _end(self.process)

    def last_words(self) -> str:
        """The last line of its log, fit to be printed."""
        try:
            lines = self._log_path().read_bytes()[-4096:].decode(errors="replace").splitlines()
        except OSError:
            lines = []
        return escape(lines[-1]) if lines else "it said nothing"

    def _log_path(self) -> Path:
        return self.settings.state_dir / "torrentd.log"


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(host: str, wanted: int) -> int:
    """`wanted` when TCP and UDP are both free there, else any port that is."""
    ports: list[int] = [wanted, *range(20_000, 20_100)]
    for port in ports:
        if _is_free(host, port):
            return port
    raise DemoFailed(f"no port is free at {host}")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a listener does
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
