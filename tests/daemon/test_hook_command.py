"""A hook's command: real processes, what they get, what they leave, how they end."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.daemon.session_room import run, until
from torrentd.daemon.control_lines import Json
from torrentd.daemon.hook_command import OUTPUT_BYTES_MAX, Ended, environment, run_command

EVENT: dict[str, Json] = {
    "cursor": "00c0ffee-7",
    "at": 1.5,
    "event": "removed",
    "name": "a \x1b[2J\n$(reboot) \0\ud800",
    "data": True,
    "none": None,
}


def ended(*command: str, timeout_s: float = 10, **environ: str) -> Ended:
    async def scenario() -> Ended:
        return await run_command(command, environ, timeout_s)

    return run(scenario())


def shell(text: str, timeout_s: float = 10, **environ: str) -> Ended:
    return ended("/bin/sh", "-c", text, timeout_s=timeout_s, **environ)


def is_alive(pid: int) -> bool:
    """Not even as a zombie: whoever adopted it may not have looked yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


def test_the_environment_is_the_daemons_and_the_events() -> None:
    environ = environment(
        EVENT, {"PATH": "/bin", "NOTIFY_SOCKET": "/run/n", "TORRENTD_CONFIG": "/etc/x"}
    )
    assert environ == {
        "PATH": "/bin",
        "TORRENTD_CURSOR": "00c0ffee-7",
        "TORRENTD_AT": "1.5",
        "TORRENTD_EVENT": "removed",
        "TORRENTD_NAME": "a \x1b[2J\n$(reboot) ?",
        "TORRENTD_DATA": "1",
        "TORRENTD_NONE": "",
    }


def test_a_strangers_name_is_one_value_and_no_program(tmp_path: Path) -> None:
    name = f"$(touch {tmp_path}/owned); `touch {tmp_path}/owned`\n-rf *"
    found = ended("/usr/bin/env", TORRENTD_NAME=name)
    assert found.problem is None and found.output.decode() == f"TORRENTD_NAME={name}\n"
    found = ended("/bin/echo", "$TORRENTD_NAME", "{name}", TORRENTD_NAME=name)
    assert found.output == b"$TORRENTD_NAME {name}\n", "arguments stay as they are"
    assert list(tmp_path.iterdir()) == []


def test_it_reads_nothing_and_stands_in_the_root() -> None:
    assert shell("cat; pwd").output == b"/\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [("exit 0", None), ("exit 3", "ended with 3"), ("kill -9 $$", "ended by signal 9")],
)
def test_how_it_ends(text: str, problem: str | None) -> None:
    assert shell(text).problem == problem


@pytest.mark.parametrize("program", ["/no/such/program", "/etc/passwd", "/"])
def test_what_cannot_be_started(program: str) -> None:
    problem = ended(program).problem
    assert problem is not None and problem.startswith("cannot be started: ")


def test_of_a_flood_the_end_is_kept() -> None:
    found = shell("head -c 3000000 /dev/zero | tr '\\0' x; echo the end >&2")
    assert found.problem is None
    assert len(found.output) == OUTPUT_BYTES_MAX and found.output.endswith(b"xthe end\n")


def test_after_its_time_it_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def scenario() -> Ended:
        text = f"trap '' TERM; sleep 600 & echo $! $$ >{pids}; echo begun; wait; sleep 600"
        return await run_command(["/bin/sh", "-c", text], {}, 0.5)

    found = run(scenario())
    assert found == Ended("killed: it had not ended after 0.5 s", b"begun\n")

    async def gone() -> None:
        await until(lambda: not any(is_alive(int(pid)) for pid in pids.read_text().split()))

    run(gone())


def test_one_who_leaves_a_child_with_its_output_open_is_not_waited_for(tmp_path: Path) -> None:
    found = shell("sleep 5 & echo done")
    assert found == Ended(None, b"done\n")


def test_a_run_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    async def scenario() -> None:
        command = ["/bin/sh", "-c", f"echo $$ >{pid}.new; mv {pid}.new {pid}; sleep 600"]
        running = asyncio.ensure_future(run_command(command, {}, 600))
        await until(pid.exists)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not is_alive(int(pid.read_text())))

    run(scenario())


def test_a_signal_that_the_daemon_ignores_is_no_business_of_a_hook() -> None:
    """What Python ignores (SIGPIPE) would stay ignored in a child."""
    before = signal.getsignal(signal.SIGPIPE)
    assert before == signal.SIG_IGN
    found = shell("grep ^SigIgn /proc/self/status")
    assert int(found.output.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0, os.uname()
