"""The examples of BEP 6, Allowed Fast Set Generation."""

HOST = "80.4.4.200"
INFOHASH = b"\xaa" * 20
PIECE_COUNT = 1313
SET_OF_7 = [1059, 431, 808, 1217, 287, 376, 1188]
SET_OF_9 = [1059, 431, 808, 1217, 287, 376, 1188, 353, 508]
