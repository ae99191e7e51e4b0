"""Which torrent owns which path: two torrents never write into one file (F10)."""

from collections.abc import Iterable

from torrentd.wire.formats.ids import InfoHash


class PathClaims:
    """Whole roots are claimed: a download folder and the first component below it."""

    def __init__(self) -> None:
        self._owners: dict[str, InfoHash] = {}
        self._roots: dict[InfoHash, list[str]] = {}

    def claim(self, infohash: InfoHash, roots: Iterable[str]) -> InfoHash | None:
        """Claim all of `roots`, or none and return who has one of them already."""
        wanted = list(dict.fromkeys(roots))
        for root in wanted:
            owner = self._owners.get(root, infohash)
            if owner != infohash:
                return owner
        self.release(infohash)
        for root in wanted:
            self._owners[root] = infohash
        self._roots[infohash] = wanted
        return None

    def release(self, infohash: InfoHash) -> None:
        for root in self._roots.pop(infohash, []):
            del self._owners[root]
