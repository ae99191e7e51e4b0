"""A process on a terminal of its own: what it wrote, and whether it left the terminal as it was."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0
_MODE = re.compile(rb"\x1b\[\?([0-9]+)([hl])")
_COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
USUALLY_ON = {b"7", b"25"}  # lines wrap, the cursor is shown


class Terminal:
    """Runs a command in 80 columns until it ends; a context manager, which leaves no process."""

    def __init__(self, command: list[str], **env: str) -> None:
        self._ours, self._theirs = os.openpty()
        self.written = bytearray()
        self._size(80, 24)
        self._before = termios.tcgetattr(self._theirs)
        kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        self._process = subprocess.Popen(
            command,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            env={**kept, "TERM": "xterm-256color", **env},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def resize(self, width: int, height: int) -> None:
        self._size(width, height)
        self.send(signal.SIGWINCH)

    def shows(self, *texts: str) -> None:
        """Until all of them were written."""
        self.until(lambda: all(text.encode() in self.written for text in texts), str(texts))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"never {what}: {bytes(self.written[-4000:])!r}"
            self._read(0.05)

    def ended(self) -> int:
        """The exit code; all that it wrote is read."""
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {bytes(self.written[-4000:])!r}"
            self._read(0.05)
        while self._read(0.0):
            pass
        return self._process.returncode

    def is_as_before(self) -> bool:
        """The other screen left, the cursor shown, every mode and the line discipline as it was."""
        modes = {number: which == b"h" for number, which in _MODE.findall(self.written)}
        changed = [number for number, on in modes.items() if on != (number in USUALLY_ON)]
        kitty = self.written.count(b"\x1b[>") == self.written.count(b"\x1b[<u")
        return not changed and kitty and termios.tcgetattr(self._theirs) == self._before

    def has_colour(self) -> bool:
        return _COLOUR.search(self.written) is not None

    def _size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def _read(self, within_s: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], within_s)
        if ready:
            self.written += os.read(self._ours, 65536)
        return bool(ready)
