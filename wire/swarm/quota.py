"""What a host was sent of one torrent and does not say it has. No BEP applies.

A peer that gets blocks soon has pieces, and says so. One that takes and never gains is served last,
and one that took the torrent three times over is a bot: nothing for a day (security W8, T23).
Counted by host, since bots come back with a new peer id and an empty bitfield each time.
"""

RATIO_MAX = 3
REST_S = 24 * 3600.0
HOSTS_MAX = 1000  # the least recently served is forgotten
# What an honest peer may have got of pieces that are not whole yet, from many peers at once.
UNFINISHED_BYTES = 16 * 1024**2
UNFINISHED_PIECES = 4


class UploadQuota:
    """Bytes sent in vain by host key, each with the time when their day began."""

    __slots__ = ("_bytes_max", "_in_vain", "_unfinished_bytes")

    def __init__(self, total_bytes: int, piece_length: int) -> None:
        self._bytes_max = RATIO_MAX * total_bytes
        self._unfinished_bytes = UNFINISHED_BYTES + UNFINISHED_PIECES * piece_length
        self._in_vain: dict[bytes, tuple[int, float]] = {}

    @property
    def is_empty(self) -> bool:
        """Nobody was sent anything in vain: nothing would be forgotten with it."""
        return not any(size_bytes for size_bytes, _ in self._in_vain.values())

    def sent(self, host_key: bytes, size_bytes: int, now: float) -> None:
        """These bytes were sent to the host."""
        before_bytes, since = self._in_vain.pop(host_key, (0, now))
        if since + REST_S <= now:
            before_bytes, since = 0, now
        in_vain_bytes = before_bytes + size_bytes
        if before_bytes < self._bytes_max <= in_vain_bytes:
            since = now  # the day of rest begins
        self._in_vain[host_key] = in_vain_bytes, since
        if len(self._in_vain) > HOSTS_MAX:
            del self._in_vain[next(iter(self._in_vain))]

    def gained(self, host_key: bytes, size_bytes: int) -> None:
        """A peer of the host says that it has a piece more. Not when its day of rest has begun."""
        entry = self._in_vain.get(host_key)
        if entry is not None and entry[0] < self._bytes_max:
            self._in_vain[host_key] = max(entry[0] - size_bytes, 0), entry[1]

    def is_spent(self, host_key: bytes, now: float) -> bool:
        """Has the host had enough for a day?"""
        return self._bytes(host_key, now) >= self._bytes_max

    def is_doubtful(self, host_key: bytes, now: float) -> bool:
        """Was the host sent much more than it says it has?"""
        return self._bytes(host_key, now) > self._unfinished_bytes

    def _bytes(self, host_key: bytes, now: float) -> int:
        in_vain_bytes, since = self._in_vain.get(host_key, (0, now))
        return in_vain_bytes if since + REST_S > now else 0
