"""Bootstrap host names to addresses: in threads, all at once, again while they are wanted (D14).

How often nodes are wanted is for the DHT to say, which backs off; here is only a least distance of
two rounds, and of a name server that does not answer, that it cannot have all the threads.
"""

import asyncio
import random
import socket
from collections.abc import Callable, Sequence
from functools import partial

from torrentd.config.values import split_host_port
from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6

ROUND_S = 5.0
ASKED_AT_ONCE_MAX = 2  # the same host: one that hangs, and one after the network changed
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
    """`want` starts a round of lookups, at once or soon after the last one. `troubles`: the hosts
    that did not resolve when they were last asked, and why."""

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
        self.troubles: dict[str, str] = {}
        self._asking: dict[str, int] = {}
        self._wanted = False
        self._timer: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """Nodes are wanted, now or a few seconds after the last round began."""
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
        """Every host at once; the next round counts from here, whether they answer or not."""
        self._wanted = False
        for host, port in self._hosts:
            asking = self._asking.get(host, 0)
            if asking < ASKED_AT_ONCE_MAX:
                self._asking[host] = asking + 1
                self._workers.submit(partial(self._ask, host, port), partial(self._answered, host))
        delay_s = ROUND_S * self._rng.uniform(0.8, 1.2)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._round_over)

    def _round_over(self) -> None:
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
        self._asking[host] -= 1
        if isinstance(answer, str):
            if self.troubles.get(host) != answer:  # once, not every few seconds for a night
                log.warning("bootstrap host does not resolve", host=host, cause=answer)
            self.troubles[host] = answer
            return
        if self.troubles.pop(host, None) is not None:
            log.info("bootstrap host resolves again", host=host)
        good = [
            address
            for address in dict.fromkeys(answer)
            if is_ipv6(address.host) in self._families and self._policy.allows_node(address)
        ]
        if good:
            self._on_addresses(good[:ANSWERS_PER_HOST_MAX])
