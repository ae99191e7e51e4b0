"""The items that others put here (BEP 44): capped, expiring, a few of one host.

When all places are taken, the item farthest from our id goes, if the newcomer is closer; otherwise
the newcomer is refused, and gets no token for it.
"""

from dataclasses import dataclass
from typing import Final

from torrentd.dht.item_messages import CAS_ERROR, SEQ_ERROR
from torrentd.dht.items import Item, MutableItem
from torrentd.dht.node_id import distance
from torrentd.wire.formats.address import Address, AddressPolicy, host_key, pack_address
from torrentd.wire.formats.errors import KrpcError

ITEM_S: Final = 2 * 3600.0  # "Without re-announcement, these items MAY expire in 2 hours"
ITEMS_MAX: Final = 1000  # 1 MB of values
ITEMS_PER_HOST_MAX: Final = 50


@dataclass(slots=True)
class _Stored:
    item: Item
    host: bytes  # who put it first
    expires_at: float


class ItemStore:
    """Items stand in the order in which they expire."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy: Final = policy
        self._stored: dict[bytes, _Stored] = {}
        self._of_host: dict[bytes, int] = {}
        self._own_id = b""  # for which `_farthest` holds
        self._farthest: bytes | None = None

    def __len__(self) -> int:
        return len(self._stored)

    def get(self, target: bytes, now: float) -> Item | None:
        stored = self._stored.get(target)
        return stored.item if stored is not None and stored.expires_at > now else None

    def holds(self, item: Item, now: float) -> bool:
        """This very one: its signature has been verified."""
        return self.get(item.target, now) == item

    def takes(self, target: bytes, source: Address, own_id: bytes) -> bool:
        """Would an item under this name be stored? If not, no token is given for it."""
        if target in self._stored:
            return True
        if self._of_host.get(self._key(source), 0) >= ITEMS_PER_HOST_MAX:
            return False
        if len(self._stored) < ITEMS_MAX:
            return True
        return distance(target, own_id) < distance(self._find_farthest(own_id), own_id)

    def check(self, item: Item, cas: int | None, now: float) -> None:
        """Raises KrpcError when a newer one is stored, or not the one that is to be replaced."""
        stored = self.get(item.target, now)
        if not isinstance(item, MutableItem) or not isinstance(stored, MutableItem):
            return  # BEP 44: "If there is no current value, the cas field SHOULD be ignored"
        if cas is not None and cas != stored.seq:
            raise KrpcError("cas mismatch, read it again", CAS_ERROR)
        if item.seq < stored.seq:
            raise KrpcError("seq is less than the current one", SEQ_ERROR)
        if item.seq == stored.seq and item.value != stored.value:
            raise KrpcError("seq is that of another value", SEQ_ERROR)

    def add(self, item: Item, source: Address, own_id: bytes, now: float) -> None:
        """Keep it for two hours; `takes` and `check` let it pass, its signature is verified."""
        target = item.target
        before = self._stored.pop(target, None)
        if before is None:
            if len(self._stored) >= ITEMS_MAX:
                self._drop(self._find_farthest(own_id))
            host = self._key(source)
            self._of_host[host] = self._of_host.get(host, 0) + 1
            self._farthest = None
        else:
            host = before.host
        self._stored[target] = _Stored(item, host, now + ITEM_S)

    def expire(self, now: float) -> None:
        while self._stored:
            target = next(iter(self._stored))
            if self._stored[target].expires_at > now:
                break
            self._drop(target)

    def _key(self, source: Address) -> bytes:
        if self._policy.allow_local and self._policy.is_local(source.host):
            return pack_address(source)  # many daemons on one machine are many hosts
        return host_key(source.host)

    def _find_farthest(self, own_id: bytes) -> bytes:
        if self._farthest is None or self._own_id != own_id:
            self._own_id = own_id
            self._farthest = max(self._stored, key=lambda target: distance(target, own_id))
        return self._farthest

    def _drop(self, target: bytes) -> None:
        host = self._stored.pop(target).host
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]
        self._farthest = None
