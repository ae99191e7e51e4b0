"""Extended messages (BEP 9, 10, 11). Sources: the BEPs' own examples; sizes seen in the wild
(magnetico PR 58, rakshasa/libtorrent#124); anacrolix/torrent's tests, as facts; our own."""

# As BEP 10 prints it: the micro sign is one byte in the key (which is no UTF-8), two in `v`.
BEP10_HANDSHAKE = b"d1:md11:LT_metadatai1e6:\xb5T_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e"

METADATA_REQUEST = b"d8:msg_typei0e5:piecei0ee"
METADATA_DATA_HEADER = b"d8:msg_typei1e5:piecei0e10:total_sizei34256ee"  # 16 KiB follow
METADATA_REJECT = b"d8:msg_typei2e5:piecei0ee"
METADATA_HANDSHAKE = b"d1:md11:ut_metadatai3ee13:metadata_sizei31235ee"
# Its header holds an `ee`; the data is what follows the dictionary.
METADATA_INNER_END = b"d1:xd1:yi0ee8:msg_typei1e5:piecei0e10:total_sizei5eeAAAAA"

METADATA_SIZES_REFUSED = [-1, 0, 2**31, 2_038_487_152, 2_024_076_552, 32 * 1024**2 + 1]
METADATA_INVALID: list[tuple[str, bytes]] = [
    ("a piece out of range", b"d8:msg_typei1e5:piecei2147483647e10:total_sizei3425ee"),
    ("a negative piece", b"d8:msg_typei1e5:piecei-1e10:total_sizei3425ee"),
    ("no data where some should be", b"d8:msg_typei1e5:piecei0e10:total_sizei99999ee"),
    ("a byte behind a request", METADATA_REQUEST + b"X"),
    ("a byte behind a reject", METADATA_REJECT + b"X"),
    ("data without a total size", b"d8:msg_typei1e5:piecei0eeAAAAA"),
    ("data of a byte too few", b"d8:msg_typei1e5:piecei0e10:total_sizei5eeAAAA"),
    ("data of a byte too many", b"d8:msg_typei1e5:piecei0e10:total_sizei5eeAAAAAA"),
    ("a second piece where there is one", b"d8:msg_typei1e5:piecei1e10:total_sizei5eeAAAAA"),
    ("no message type", b"d5:piecei0ee"),
    ("a message type that is text", b"d8:msg_type1:05:piecei0ee"),
    ("no piece", b"d8:msg_typei0ee"),
    ("a list", b"le"),
    ("nothing", b""),
    ("one `e` too many, so that the type is lost", b"d1:xd1:yi0eee8:msg_typei1e5:piecei0ee"),
]

# One peer, 127.0.0.1:21930 with flags 0x11, and every list present, the others empty.
PEX_ONE_PEER = (
    b"d5:added6:\x7f\0\0\x01\x55\xaa7:added.f1:\x116:added60:8:added6.f0:7:dropped0:8:dropped60:e"
)
PEX_INVALID: list[tuple[str, bytes]] = [
    ("added of seven bytes", b"d5:added7:aaaaaaae"),
    ("dropped6 of seventeen bytes", b"d8:dropped617:" + b"a" * 17 + b"e"),
    ("not a dictionary", b"le"),
    ("cut short", PEX_ONE_PEER[:-1]),
]
