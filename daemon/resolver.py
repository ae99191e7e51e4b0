"""Bootstrap host names to addresses: in threads, all at once, again while they are wanted (D14)."""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial

from torrentd.config.schema import split_host_port
from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6

BACKOFF_FIRST_S = 5.0
BACKOFF_MAX_S = 300.0
THREADS_MAX = 8
ANSWERS_PER_HOST_MAX = 16  # a lie of the name server stays small

log = get_logger("resolver")

# getaddrinfo in one line; another one in tests. Raises OSError or UnicodeError.
Lookup = Callable[[str, int], list[Address]]


def look_up(host: str, port: int) -> list[Address]:
    """Blocking: what the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    return [Address(str(name[0]), int(name[1])) for _, _, _, _, name in found]


class Resolver:
    """`want` starts a round of lookups, or has it start as soon as the back-off of the last one is
    over. The DHT asks again for as long as it lacks nodes."""

    def __init__(
        self,
        hosts: Sequence[str],
        policy: AddressPolicy,
        ipv6: Sequence[bool],
        on_addresses: Callable[[list[Address]], None],
        tasks: Tasks,
        rng: random.Random,
        lookup: Lookup = look_up,
    ) -> None:
        self._hosts = [split_host_port(host) for host in hosts]
        self._policy = policy
        self._families = ipv6
        self._on_addresses = on_addresses
        self._workers = Workers("resolver", THREADS_MAX, tasks)
        self._rng = rng
        self._lookup = lookup
        self._backoff_s = BACKOFF_FIRST_S
        self._round_at = float("-inf")
        self._wanted = False
        self._timer: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """Nodes are wanted, now or as soon as the back-off allows."""
        self._wanted = True
        if self._timer is None:
            self._start_round()

    def close(self) -> None:
        self._wanted = False
        self._workers.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_round(self) -> None:
        """Every host at once; the back-off counts from here, whether they answer or not."""
        now = time.monotonic()
        if now - self._round_at > 2 * BACKOFF_MAX_S:
            self._backoff_s = BACKOFF_FIRST_S  # it went well for long: this is another trouble
        self._round_at = now
        self._wanted = False
        for host, port in self._hosts:
            self._workers.submit(partial(self._ask, host, port), partial(self._answered, host))
        delay_s = self._backoff_s * self._rng.uniform(0.8, 1.2)
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_MAX_S)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._backoff_over)

    def _backoff_over(self) -> None:
        self._timer = None
        if self._wanted:
            self._start_round()

    def _ask(self, host: str, port: int) -> list[Address] | str:
        """In a thread: the addresses, or why there are none."""
        try:
            return self._lookup(host, port)
        except (OSError, UnicodeError) as error:
            return str(error)

    def _answered(self, host: str, answer: list[Address] | str) -> None:
        if isinstance(answer, str):
            log.warning("bootstrap host does not resolve", host=host, cause=answer)
            return
        good = [
            address
            for address in dict.fromkeys(answer)
            if is_ipv6(address.host) in self._families and self._policy.allows_node(address)
        ]
        if good:
            self._on_addresses(good[:ANSWERS_PER_HOST_MAX])
