"""Canonical peer priorities. Sources: the examples of BEP 40; anacrolix/torrent's bep40_test.go and
libtorrent's test_peer_priority.cpp, as facts; our own, by the text of the BEP."""

PRIORITIES = [
    ("123.213.32.10", "98.76.54.32", 0xEC2D7224),
    ("123.213.32.10", "123.213.32.234", 0x99568189),
    ("206.248.98.111", "142.147.89.224", 0x2B41D456),
]

ALL = "ffff:" * 7 + "ffff"
# (host, port), (host, port), and the bytes that are hashed, in hex
HASHED = [
    (("230.12.123.3", 1234), ("230.12.123.3", 300), "012c04d2"),
    (("230.12.123.1", 1234), ("230.12.123.3", 300), "e60c7b01e60c7b03"),
    (("230.12.23.1", 1234), ("230.12.123.3", 300), "e60c1701e60c7b01"),
    (("230.120.23.1", 1234), ("230.12.123.3", 300), "e60c5101e6781501"),
    ((ALL, 1234), (ALL, 300), "012c04d2"),
    (
        (ALL, 1234),
        ("ffff:0fff" + ":ffff" * 6, 300),
        "ffff0fffffff" + "55" * 10 + "ff" * 6 + "55" * 10,
    ),
    (
        (ALL, 1234),
        ("ffff:ffff:0fff" + ":ffff" * 5, 300),
        "ffffffff0fff" + "55" * 10 + "ff" * 6 + "55" * 10,
    ),
    # libtorrent keeps one byte more of these two
    (
        (ALL, 1234),
        ("ffff:ffff:ff0f" + ":ffff" * 5, 300),
        "ffffffffff0f" + "55" * 10 + "ff" * 6 + "55" * 10,
    ),
    (
        (ALL, 1234),
        ("ffff:ffff:ffff:0fff" + ":ffff" * 4, 300),
        "ffffffffffff0f" + "55" * 9 + "ff" * 7 + "55" * 9,
    ),
]
