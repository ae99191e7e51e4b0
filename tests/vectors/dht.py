"""DHT: messages, ids, distances, neighbourhoods (BEP 5, 32, 33, 42, 43, 44, 46, 51).
Sources, as facts: the
BEPs' own examples, libtorrent's test_dht.cpp and test_bdecode.cpp, anacrolix' krpc tests, rqbit;
our own."""

# BEP 5: name, datagram
BEP5: dict[str, bytes] = {
    "ping query": b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
    "ping response": b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re",
    "find_node query": b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e"
    b"1:q9:find_node1:t2:aa1:y1:qe",
    "get_peers query": b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e"
    b"1:q9:get_peers1:t2:aa1:y1:qe",
    "get_peers response with peers": b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:values"
    b"l6:axje.u6:idhtnmee1:t2:aa1:y1:re",
    "announce_peer query": b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:"
    b"mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe",
    "announce_peer response": b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re",
    "error": b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
}
# BEP 5 prints `nodes` of nine bytes as a placeholder: no compact node info, so refused.
PLACEHOLDERS: list[bytes] = [
    b"d1:rd2:id20:0123456789abcdefghij5:nodes9:def456...e1:t2:aa1:y1:re",
    b"d1:rd2:id20:abcdefghij01234567895:nodes9:def456...5:token8:aoeusnthe1:t2:aa1:y1:re",
]

SAMPLE_INFOHASHES_RESPONSE = (
    b"d1:rd2:id20:hellohellohellohello8:intervali420e7:samples0:e1:t5:hello1:y1:re"
)
TWO_SAMPLES = b"40:HELLOHELLOHELLOHELLOworldworldworldworld"
READ_ONLY_WITHOUT_MEANING = b"d2:roi1e1:t0:1:y0:e"
ERROR_WITHOUT_CODE = b"d1:el5:helloe1:t2:aa1:y1:ee"
ONE_NODE = (
    b"d1:rd2:id20:" + bytes(20) + b"5:nodes26:" + bytes(20) + b"\x01\x02\x03\x04\x12\x34e1:t2:\x8c%"
    b"1:y1:re"
)
ONE_NODE_IS = (bytes(20), "1.2.3.4", 4660)
ONE_PEER = b"d1:rd2:id20:" + bytes(20) + b"6:valuesl6:\x01\x02\x03\x04\x56\x78ee1:t2:\x8c%1:y1:re"
ONE_PEER_IS = ("1.2.3.4", 22136)
# Seen in the wild: bits had flipped on the way.
BIT_ERRORS = bytes.fromhex(
    "64313a6164323a696432303a2a2119899fcd5fc9bc80c176fee0c6842df6fcb8393a696e666f5f6861ae6832303a"
    "1478d5b0dcf6824232a0d688eb48570189404ebc65313a71393a6765745f7065657278ff3a74383aaad4a1887a8d"
    "c3d6313a7931ae7165"
)

# BEP 32: the argument `want`, and the families it names
WANT: list[tuple[bytes, tuple[str, ...]]] = [
    (b"l2:n4e", ("ipv4",)),
    (b"l2:n6e", ("ipv6",)),
    (b"l2:n42:n6e", ("ipv4", "ipv6")),
    (b"l2:n42:n4e", ("ipv4",)),
    (b"l2:aa2:bbe", ()),
    (b"li4ele2:n6e", ("ipv6",)),
    (b"le", ()),
    (b"2:n4", ()),
]
MIXED_VALUES = b"l6:\x10\x05\x80\x01\x05918:\x10" + bytes(13) + b"\xff\xff\x059e"
MIXED_VALUES_ARE = [("16.5.128.1", 1337), ("1000::ffff", 1337)]

# Compact node info: bytes, id, host, port
NODES: list[tuple[str, str, str, int]] = [
    (
        "6162636465666768696a30313233343536373839010203041ae1",
        "6162636465666768696a30313233343536373839",
        "1.2.3.4",
        6881,
    ),
    (
        "6162636465666768696a3031323334353637383920010db80000000000000000000000011ae1",
        "6162636465666768696a30313233343536373839",
        "2001:db8::1",
        6881,
    ),
]

# BEP 42: host, id, does it fit
BEP42: list[tuple[str, str, bool]] = [
    ("124.31.75.21", "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401", True),
    ("21.75.31.124", "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256", True),
    ("65.23.51.170", "a5d43220bc8f112a3d426c84764f8c2a1150e616", True),
    ("84.124.73.14", "1b0321dd1bb1fe518101ceef99462b947a01ff41", True),
    ("43.213.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", True),
    ("124.31.75.21", "5fbfbff10c5d7a4ec8a88e4c6ab4c28b95eee401", True),
    ("21.75.31.124", "5a3ce1c14e7a08645677bbd1cfe7d8f956d53256", False),
    ("65.23.51.170", "a5d43620bc8f112a3d426c84764f8c2a1150e616", True),
    ("84.124.73.14", "1b0321dd1bb1fe518101ceef99462b947a01fe01", True),
    ("43.213.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51303e", False),
    ("12.213.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", False),
    # local networks are exempt
    ("10.213.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", True),
    ("192.168.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", True),
    ("172.16.0.1", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", True),
    ("169.254.1.2", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", True),
    ("127.0.0.1", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a", True),
    ("2001:b829:2123:be84:e16c:d6ae:5290:49f1", "0a8ad123be84e16cd6ae529049f1f1bbe9ebb304", True),
]
# CRC32-C of "123456789" is the check value of every catalogue of CRCs
CRC32C: list[tuple[bytes, int]] = [(b"123456789", 0xE3069283), (b"", 0), (bytes(4), 0x48674BC7)]

# ids, and the index of the highest bit in which they differ
_ONES = "f" * 40
DISTANCE_EXPONENTS: list[tuple[str, str, int]] = [
    (_ONES, "0" * 40, 159),
    (_ONES, "7" + "f" * 39, 159),
    (_ONES, _ONES, 0),
    (_ONES, "f" * 39 + "e", 0),
    ("8" + "0" * 39, "f" * 39 + "e", 158),
    ("c" + "0" * 39, "f" * 39 + "e", 157),
    ("e" + "0" * 39, "f" * 39 + "e", 156),
    ("f" + "0" * 39, "f" * 39 + "e", 155),
]

# two hosts, and whether they count as one (IPv4 /24, IPv6 /48)
NEIGHBOURS: list[tuple[str, str, bool]] = [
    ("10.255.255.0", "10.255.255.255", True),
    ("11.0.0.0", "10.255.255.255", False),
    ("0.0.0.0", "128.255.255.255", False),
    ("255.255.255.0", "255.255.255.255", True),
    ("255.254.255.0", "255.255.255.255", False),
    ("::1", "::ffff:ffff:ffff:ffff", True),
    ("::2:0:0:0:0", "::1:ffff:ffff:ffff:ffff", True),  # there a /64, here a /48
    ("0:0:2::", "0:0:1:ffff::", False),
    ("7f::", "ff::", False),
]

# BEP 33: 192.0.2.0 to 192.0.2.255 and 2001:db8:: to 2001:db8::3e7 in one filter, and its estimate
BLOOM_FILTER_HOSTS = ("192.0.2.0", 256), ("2001:db8::", 1000)
BLOOM_FILTER = bytes.fromhex(
    "f6c3f5eaa07ffd91bde89f777f26fb2bff37bdb8fb2bbaa2fd3ddde7bacfff75ee7ccbaefe5eedb1"
    "fbfaff67f6abff5e43ddbca3fd9b9ffdf4ffd3e9dff12d1bdf59db53dbe9fa5b7ff3b8fdfcde1afb"
    "8bedd7be2f3ee71ebbbfe93bcdeefe148246c2bc5dbff7e7efdcf24fd8dc7adffd8fffdfddfff7a4"
    "bbeedf5cb95ce81fc7fcff1ff4ffffdfe5f7fdcbb7fd79b3fa1fc77bfe07fff905b7b7ffc7fefeff"
    "e0b8370bb0cd3f5b7f2bd93feb4386cfdd6f7fd5bfaf2e9ebffffeecd67adbf7c67f17efd5d75eba"
    "6ffeba7fff47a91eb1bfbb53e8abfb5762abe8ff237279bfefbfeef5ffc5febfdfe5adffadfee1fb"
    "737ffffbfd9f6aeffeee76b6fd8f72ef"
)
BLOOM_FILTER_ESTIMATE = 1224.9308

# BEP 44: salt, seq, value, what is signed, target, signature; all by one key
ITEM_KEY = "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548"
MUTABLE_ITEMS: list[tuple[bytes, int, bytes, bytes, str, str]] = [
    (
        b"",
        1,
        b"12:Hello World!",
        b"3:seqi1e1:v12:Hello World!",
        "4a533d47ec9c7d95b1ad75f576cffc641853b750",
        "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
        "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01",
    ),
    (
        b"foobar",
        1,
        b"12:Hello World!",
        b"4:salt6:foobar3:seqi1e1:v12:Hello World!",
        "411eba73b6f087ca51a3795d9c8c938d365e32c1",
        "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
        "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08",
    ),
]
IMMUTABLE_ITEM = (b"12:Hello World!", "e5f96f6f38320f0f33959cb4d3d656452117aadb")

# BEP 46: key, salt, target
POINTERS: list[tuple[str, str, str]] = [
    (
        "8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e",
        "",
        "cc3f9d90b572172053626f9980ce261a850d050b",
    ),
    (
        "8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e",
        "6e",
        "59ee7c2cb9b4f7eb1986ee2d18fd2fdb8a56554f",
    ),
]
