"""How much one host was served of one torrent: a stop for endless re-downloads. No BEP applies.

Nobody needs a torrent three times over (security W8, T23). Counted by host, since the bots come
back with a new peer id and an empty bitfield each time.
"""

RATIO_MAX = 3
REST_S = 24 * 3600.0
HOSTS_MAX = 1000  # the least recently served is forgotten


class UploadQuota:
    """Bytes sent by host key, each with the time of the first."""

    __slots__ = ("_bytes_max", "_served")

    def __init__(self, total_bytes: int) -> None:
        self._bytes_max = RATIO_MAX * total_bytes
        self._served: dict[bytes, tuple[int, float]] = {}

    def add(self, host_key: bytes, size_bytes: int, now: float) -> None:
        """These bytes were sent to the host."""
        served_bytes, since = self._served.pop(host_key, (0, now))
        if since + REST_S <= now:
            served_bytes, since = 0, now
        self._served[host_key] = served_bytes + size_bytes, since
        if len(self._served) > HOSTS_MAX:
            del self._served[next(iter(self._served))]

    def is_spent(self, host_key: bytes, now: float) -> bool:
        """Has the host had enough for a day?"""
        served = self._served.get(host_key)
        return served is not None and served[0] >= self._bytes_max and served[1] + REST_S > now
