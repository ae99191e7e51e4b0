"""Which files of a torrent become whole, and when (files that were so before are not told)."""

from itertools import accumulate

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.metainfo import Info


class FilesDone:
    """Counts down the pieces that each file lacks; `have` is what is had at first."""

    def __init__(self, info: Info, have: Bitfield) -> None:
        self._layout = FileLayout(info.geometry, [file.length for file in info.files])
        had = [0, *accumulate(have[i] for i in range(info.geometry.piece_count))]
        spans = map(self._layout.pieces_of_file, range(len(info.files)))
        self._lacking = [len(span) - had[span.stop] + had[span.start] for span in spans]

    def stored(self, piece_index: int) -> list[int]:
        """The files that this piece, which was not had, completes; padding files too."""
        done = []
        for file_index in self._layout.files_of_piece(piece_index):
            self._lacking[file_index] -= 1
            if not self._lacking[file_index]:
                done.append(file_index)
        return done

    def lost(self, piece_index: int) -> None:
        """A piece that was had is not."""
        for file_index in self._layout.files_of_piece(piece_index):
            self._lacking[file_index] += 1
