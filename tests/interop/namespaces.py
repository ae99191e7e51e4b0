"""Two network namespaces and the cable between them: a home for torrentd, and the world.

Addresses look public, since nothing leaves the machine: home has one of 11.0.0.0/8, the world four,
each in a network of its own, as the votes of BEP 42 want it. Needs root and iproute2.
"""

import itertools
import os
import shutil
import subprocess
from pathlib import Path

from tests.shared import required

HOME = "11.0.0.2"
ELSEWHERE = "11.9.0.2"
ROUTER = "11.0.0.1"
WORLD = (ROUTER, "12.0.0.1", "13.0.0.1", "14.0.0.1")
_numbers = itertools.count()


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


class Cable:
    """Use as a context manager; at its end both namespaces and whatever ran in them are gone."""

    def __init__(self) -> None:
        number = f"{os.getpid()}-{next(_numbers)}"
        self.home, self.world = f"torrentd-home-{number}", f"torrentd-world-{number}"

    def __enter__(self) -> "Cable":
        if os.geteuid() != 0 or shutil.which("ip") is None:
            required("a network namespace", "be root, and install iproute2")
        made = subprocess.run(
            ["ip", "netns", "add", self.home], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            required("a network namespace", made.stderr)
        ip("netns", "add", self.world)
        ip(
            *("link", "add", "world0", "netns", self.world, "type", "veth"),
            *("peer", "name", "home0", "netns", self.home),
        )
        for namespace in (self.home, self.world):
            ip("-n", namespace, "link", "set", "lo", "up")
        for address in WORLD:
            prefix = 8 if address == ROUTER else 32
            ip("-n", self.world, "address", "add", f"{address}/{prefix}", "dev", "world0")
        ip("-n", self.world, "link", "set", "world0", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (self.home, self.world):
            for pid in _pids(namespace):
                os.kill(pid, 9)
            ip("netns", "delete", namespace)

    def plug(self, address: str = HOME) -> None:
        """The cable is in, and home has this address and a way into the world."""
        ip("-n", self.home, "link", "set", "home0", "up")
        ip("-n", self.home, "address", "replace", f"{address}/8", "dev", "home0")
        ip("-n", self.home, "route", "replace", "default", "via", ROUTER)

    def unplug(self, address: str = HOME) -> None:
        """No cable, and no address, as a DHCP client leaves it."""
        ip("-n", self.home, "address", "delete", f"{address}/8", "dev", "home0")
        ip("-n", self.home, "link", "set", "home0", "down")

    def cut(self) -> None:
        """Far away: home notices nothing but silence."""
        ip("-n", self.world, "link", "set", "world0", "down")

    def mend(self) -> None:
        """The end of `cut`."""
        ip("-n", self.world, "link", "set", "world0", "up")


def in_namespace(namespace: str, *command: str) -> list[str]:
    """The command that runs `command` there."""
    return ["ip", "netns", "exec", namespace, *command]


def with_names(folder: Path, *command: str) -> list[str]:
    """… where `folder`/hosts and `folder`/resolv.conf are the machine's, and may be rewritten."""
    mounts = " && ".join(
        f"mount --bind '{folder / name}' /etc/{name}" for name in ("hosts", "resolv.conf")
    )
    script = f'{mounts} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "names", *command]


def _pids(namespace: str) -> list[int]:
    done = subprocess.run(
        ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in done.stdout.split()]
