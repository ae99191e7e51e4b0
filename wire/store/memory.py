"""A piece store without a disk: for tests, simulations and benches (BEP 3, 47)."""

from threading import Lock

from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.api import StoreError


class MemoryStore:
    """Whole pieces by index. A piece that was never written is missing."""

    def __init__(self, info: Info) -> None:
        self.info = info
        self.layout = FileLayout(info.geometry, [file.length for file in info.files])
        self._lock = Lock()
        self._pieces: dict[int, bytes] = {}

    def prepare(self) -> None:
        """Nothing to create."""

    def read(self, piece_index: int, begin: int, length: int) -> bytes:
        """`length` bytes at `begin` of a piece."""
        assert begin + length <= self.info.geometry.piece_size(piece_index)
        with self._lock:
            piece = self._pieces.get(piece_index)
        if piece is None:
            raise StoreError(f"piece {piece_index}", "the file is missing")
        return piece[begin : begin + length]

    def read_resident(self, piece_index: int, begin: int, length: int) -> bytes | bytearray | None:
        """None, as from a disk: threads are to be tested, too."""

    def read_into(self, piece_index: int, begin: int, buffer: memoryview) -> None:
        """The same into `buffer`."""
        buffer[:] = self.read(piece_index, begin, len(buffer))

    def write(self, piece_index: int, buffer: memoryview) -> None:
        """Keep a copy: the buffer goes back to its pool. Padding is kept as zeros."""
        assert len(buffer) == self.info.geometry.piece_size(piece_index)
        piece = bytearray(buffer)
        at = 0
        for span in self.layout.spans(piece_index, 0, len(piece)):
            if self.info.files[span.file_index].pad:
                piece[at : at + span.length] = bytes(span.length)
            at += span.length
        with self._lock:
            self._pieces[piece_index] = bytes(piece)

    def sync(self) -> None:
        """Memory is as stable as it gets."""

    def close(self) -> None:
        """Nothing to release."""

    def remove_files(self) -> None:
        """Forget every piece."""
        with self._lock:
            self._pieces.clear()
