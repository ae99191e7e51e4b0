"""What the daemon has moved: since it was first started, in this run, and by day."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, fields, replace
from functools import partial

from torrentd.daemon.logs import get_logger
from torrentd.daemon.status import Moved
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.bencode import (
    STATE_LIMITS,
    Bencoded,
    decode_dict,
    encode,
    get_dict,
    get_int,
    get_list,
)
from torrentd.wire.formats.errors import ProtocolError

DAYS_MAX = 400  # by day, a year and some weeks; the oldest go
COUNTER_MAX = 2**63 - 1
PAYLOAD_ONLY = 2  # counters of an entry that was written before the others were counted

log = get_logger("ledger")


@dataclass(slots=True)
class Totals:
    """`first_at` is wall-clock seconds; days are those of local time, as 2026-11-24, ascending."""

    first_at: int = 0
    starts: int = 0
    running_s: int = 0
    moved: Moved = field(default_factory=Moved)
    days: dict[str, Moved] = field(default_factory=dict)


class Ledger:
    """`load` before anything is counted. `read` and `write` are of the state folder, blocking."""

    def __init__(
        self, read: Callable[[], bytes | None], write: Callable[[bytes], str | None]
    ) -> None:
        self.totals = Totals()
        self.run = Moved()  # since the start
        self._read = read
        self._write = write
        self._began_at = time.monotonic()
        self._before_s = 0
        self._lock = asyncio.Lock()

    async def load(self, workers: Workers) -> None:
        """One start more."""
        self.totals = decode_totals(await workers.run(self._read))
        self._before_s = self.totals.running_s
        self.totals.starts += 1
        self.totals.first_at = self.totals.first_at or int(time.time())

    def count(self, moved: Moved) -> None:
        """So much flowed since the last time, today as far as we know."""
        if moved == Moved():
            return
        totals, today = self.totals, time.strftime("%Y-%m-%d")
        self.run += moved
        totals.moved += moved
        totals.days[today] = totals.days.get(today, Moved()) + moved
        while len(totals.days) > DAYS_MAX:
            del totals.days[min(totals.days)]

    def count_protocol(self, bytes_in_out: tuple[int, int]) -> None:
        """So much was said since the last time."""
        received, sent = bytes_in_out
        self.count(Moved(protocol_received_bytes=received, protocol_sent_bytes=sent))

    def count_dht(self, received_bytes: int, sent_bytes: int) -> None:
        """So much flowed since the start."""
        run = self.run
        self.count(
            Moved(
                dht_received_bytes=received_bytes - run.dht_received_bytes,
                dht_sent_bytes=sent_bytes - run.dht_sent_bytes,
            )
        )

    def running_s(self) -> int:
        """Over all runs."""
        return self._before_s + int(time.monotonic() - self._began_at)

    async def save(self, workers: Workers) -> None:
        async with self._lock:
            totals = replace(self.totals, running_s=self.running_s())
            problem = await workers.run(partial(self._write, encode_totals(totals)))
        if problem is not None:
            log.warning("the totals cannot be saved", cause=problem)


def encode_totals(totals: Totals) -> bytes:
    days: dict[bytes, Bencoded] = {
        day.encode(): _counters(moved) for day, moved in sorted(totals.days.items())
    }
    return encode(
        {
            b"days": days,
            b"first_at": totals.first_at,
            b"moved": _counters(totals.moved),
            b"running_s": totals.running_s,
            b"starts": totals.starts,
        }
    )


def decode_totals(data: bytes | None) -> Totals:
    """What makes no sense counts as nothing: a new ledger begins."""
    try:
        body = decode_dict(data, STATE_LIMITS) if data else {}
    except ProtocolError:
        log.warning("the totals cannot be read, and begin anew")
        return Totals()
    days = get_dict(body, b"days") or {}
    named = sorted((_day(day), _moved(get_list(days, day))) for day in days)
    return Totals(
        first_at=get_int(body, b"first_at", 0, COUNTER_MAX) or 0,
        starts=get_int(body, b"starts", 0, COUNTER_MAX) or 0,
        running_s=get_int(body, b"running_s", 0, COUNTER_MAX) or 0,
        moved=_moved(get_list(body, b"moved")),
        days={day: moved for day, moved in named[-DAYS_MAX:] if day},
    )


def _counters(moved: Moved) -> list[Bencoded]:
    return list(astuple(moved))


def _moved(counters: list[Bencoded] | None) -> Moved:
    known = [each for each in counters or () if isinstance(each, int) and 0 <= each <= COUNTER_MAX]
    if len(known) != len(counters or ()) or len(known) not in (PAYLOAD_ONLY, len(fields(Moved))):
        return Moved()
    return Moved(*known)


def _day(name: bytes) -> str:
    """ "" for what is no day."""
    try:
        text = name.decode("ascii")
        time.strptime(text, "%Y-%m-%d")
    except ValueError:
        return ""
    return text
