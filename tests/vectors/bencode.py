"""Bencode vectors (BEP 3). Sources: the BEP's examples; cases of libtorrent's test_bdecode.cpp and
of anacrolix/torrent's fuzz corpus, as facts; our own, from what int() of Python would let pass."""

# (bytes, value); each is canonical, so that encoding gives the bytes back.
VALID: list[tuple[bytes, object]] = [
    (b"i12453e", 12453),
    (b"i0e", 0),
    (b"i-3e", -3),
    (b"i9223372036854775807e", 2**63 - 1),
    (b"i-9223372036854775807e", -(2**63) + 1),
    (b"i-9223372036854775808e", -(2**63)),
    (b"0:", b""),
    (b"4:spam", b"spam"),
    (b"le", []),
    (b"de", {}),
    (b"l4:spam4:eggse", [b"spam", b"eggs"]),
    (b"d3:cow3:moo4:spam4:eggse", {b"cow": b"moo", b"spam": b"eggs"}),
    (b"d4:spaml1:a1:bee", {b"spam": [b"a", b"b"]}),
    (b"ld0:i1ee0:e", [{b"": 1}, b""]),
    (b"100:" + b"x" * 100, b"x" * 100),
]

# Not canonical, and taken nevertheless: keys out of order, as libtorrent takes them.
UNSORTED: list[tuple[bytes, object]] = [
    (
        b"d1:ai12453e1:b3:aaa1:c3:bbb1:X10:0123456789e",
        {b"a": 12453, b"b": b"aaa", b"c": b"bbb", b"X": b"0123456789"},
    ),
    (b"d2:bai1e2:aai2ee", {b"ba": 1, b"aa": 2}),
    (b"d2:aai1e1:ai2ee", {b"aa": 1, b"a": 2}),
]

# With bencodepy 4.1 the first of these never ends: the key's length walks the cursor backwards.
INVALID: list[bytes] = [
    b"d0:i1e-6:",
    b"e",
    b"ie",
    b"i-e",
    b"i-0e",
    b"i-01e",
    b"i01e",
    b"i+0e",
    b"i00e",
    b"i35412-5633e",
    b"i9223372036854775808e",
    b"i-9223372036854775809e",
    b"i18446744073709551615e",
    b"i184467440737095516154e",
    b"i-",
    b"i",
    b"i10",
    b"i92337203t854775807e",
    b"-10:foobar",
    b"06:foobar",
    b"00:",
    b"18446744073709551615:foobar",
    b"99999999:foobar",
    b"100:..",
    b"55",
    b"928",
    b"d1:ai1e1:be",
    b"di5e1:ae",
    b"d3:000e",
    b"d1000:..e",
    b"d1000:",
    b"df00:",
    b"d1000",
    b"d1:a",
    b"l2:..",
    b"l2:..0",
    b"di2ei0ee",
    b"d2:aai1e2:aai2ee",
    b"d0:i1e0:i2ee",
    b"1:",
    b"d10000000000",
    b"1111111111:",
    b"10000000000000000000:",
    b"i1_0e",
    b"i 1e",
    b"i1 e",
    b"i\n1\ne",
    b"1_0:aaaaaaaaaa",
    b" 1:a",
    b"+1:a",
    b"d+1:ai0ee",
    b"",
    b"l",
    b"d",
    b"i1",
    b"1",
    b":",
    b"l:e",
    b"i1ei2e",
    b"4:spamX",
    b"\xd9\xa1:a",  # an Arabic digit one: str.isdigit would take it
]

# name, input
BOMBS: list[tuple[str, bytes]] = [
    ("lists nested 1,024 deep", b"l" * 1024 + b"e" * 1024),
    ("lists nested 100,000 deep, cut short", b"l" * 100_000),
    ("dictionaries nested 50,000 deep", b"d1:a" * 50_000 + b"i0e" + b"e" * 50_000),
    ("an integer of 5,000 digits", b"i" + b"9" * 5000 + b"e"),
    ("a string of 4 GiB in twelve bytes", b"4294967296:x"),
    ("a length of 5,000 digits", b"1" * 5000 + b":x"),
]
TOKEN_BOMB = b"l" + b"0:" * 5119 + b"e"
