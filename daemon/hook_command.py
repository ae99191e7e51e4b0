"""One run of a hook's command: argv and environment, never a shell; its end, and what it said.

Standard input is /dev/null. Output is read to its end and the last of it kept, so that a command
which says much neither fills our memory nor waits for us. After its time it is killed with all that
it started.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from torrentd.daemon.control_lines import Json

OUTPUT_BYTES_MAX = 2048  # the last ones are kept
READ_BYTES = 16 * 1024
PIPE_S = 0.5  # for what a command that ended left in the pipe; others may hold it open for ever
PREFIX = "TORRENTD_"
# A stop of the whole service, a shutdown, a want of memory: not what the command does to itself.
OF_OTHERS = (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
OF_THE_SERVICE = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


@dataclass(slots=True)
class Ended:
    """`problem` is None when the command ended with 0. `cut`: it was not started, or something
    outside ended it, so that it has had no chance."""

    problem: str | None
    output: bytes = b""
    cut: bool = False


def environment(event: Mapping[str, Json], of_the_daemon: Mapping[str, str]) -> dict[str, str]:
    """The daemon's, without what systemd gave it alone, and each field of the event."""
    environ = {
        name: value
        for name, value in of_the_daemon.items()
        if name not in OF_THE_SERVICE and not name.startswith(PREFIX)
    }
    for name, value in event.items():
        environ[PREFIX + name.upper()] = _text(value)
    return environ


async def run_command(
    command: Sequence[str], environ: Mapping[str, str], timeout_s: float
) -> Ended:
    """Cancelled, it kills what it started too."""
    try:
        output = _Output()
    except OSError as error:  # no descriptors left
        return Ended(f"cannot be started: {error.strerror}", cut=True)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=output.write_end,
            env=environ,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        output.close()
        return Ended(f"cannot be started: {error.strerror}", cut=True)
    output.begin()
    cut = False
    try:
        async with asyncio.timeout(timeout_s):
            code = await process.wait()
    except TimeoutError:
        _kill(process.pid)
        await process.wait()
        problem: str | None = f"killed: it had not ended after {timeout_s:g} s"
    except asyncio.CancelledError:
        _kill(process.pid)
        output.close()
        await process.wait()
        raise
    else:
        problem, cut = _problem(code), -code in OF_OTHERS
    return Ended(problem, await output.rest(), cut)


class _Output:
    """A pipe of ours: it is closed when we are done with it, whoever else holds its other end."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self.write_end, True)
        self._last = bytearray()
        self._over = asyncio.Event()

    def begin(self) -> None:
        """The command has its end now."""
        os.close(self.write_end)
        self.write_end = -1
        asyncio.get_running_loop().add_reader(self._read_end, self._readable)

    async def rest(self) -> bytes:
        """What it said last, when it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PIPE_S):
                await self._over.wait()
        self.close()
        return bytes(self._last)

    def close(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
        else:
            asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)

    def _readable(self) -> None:
        try:
            data = os.read(self._read_end, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._read_end)
            self._over.set()
        self._last += data
        del self._last[:-OUTPUT_BYTES_MAX]


def _kill(group: int) -> None:
    """All that is left of it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _problem(code: int) -> str | None:
    if code < 0:
        return f"ended by signal {-code}"
    return f"ended with {code}" if code else None


def _text(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
    text = str(value).replace("\0", "")
    return text.encode("utf-8", "replace").decode()  # no lone surrogates: they have no bytes
