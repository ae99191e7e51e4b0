"""How real torrents are cut (BEP 3), from rqbit's lengths.rs, as facts."""

# total bytes, piece length, pieces, bytes of the last piece, its blocks, bytes of its last block
LENGTHS: list[tuple[int, int, int, int, int, int]] = [
    (1_174_243_328, 262_144, 4480, 100_352, 7, 2048),
    (4_148_166_656, 2_097_152, 1978, 2_097_152, 128, 16_384),
]
