"""Magnet vectors (BEP 9, 53). Sources, as facts: arvidn/libtorrent (BSD-3-Clause),
webtorrent/magnet-uri (MIT), anacrolix/torrent, BEP 53."""

# uri, infohash ("" for one of version 2 only, which is refused with a sentence), name, peers
VALID: list[tuple[str, str, str | None, list[str]]] = [
    (
        "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd&tr=http://1&tr=http://2&tr=http://3&tr=http://3&dn=foo&dht=127.0.0.1:43",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "foo",
        [],
    ),
    (
        "magnet:?xt=urn%3Abtih%3Acdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdc%64",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        None,
        [],
    ),
    (
        "magnet:?XT=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdc%64&dN=foobar&Ws=http://foo.com/bar",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "foobar",
        [],
    ),
    (
        'magnet:?"foo=bar&xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btih:MFRGCYTBMJQWEYLCMFRGCYTBMJQWEYLC",
        "6162616261626162616261626162616261626162",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btmh:1220cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btmh:1220cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd&xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd&dn=foo&x.pe=127.0.0.1:43&x.pe=<invalid1>&x.pe=<invalid2>:100&x.pe=[::1]:45",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "foo",
        ["127.0.0.1:43", "[::1]:45"],
    ),
    (
        "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd&dn=foo&dht=127.0.0.1:43&dht=10.0.0.1:1337",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "foo",
        [],
    ),
    (
        "magnet:?xt=urn:ed2k:a0a9277894123b27945224fbac8366c9&xt=urn:btih:c352cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "c352cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btih:aad050ee1bb22e196939547b134535824dabf0ce",
        "aad050ee1bb22e196939547b134535824dabf0ce",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btih:64DZYZWMUAVLIWJUXGDIK4QGAAIN7SL6",
        "f7079c66cca02ab45934b9868572060010dfc97e",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:btmh:122080e00d84343afd2b6392e966c1267807461946ba9db1d5af4bb50779dcf1ab4e",
        "",
        None,
        [],
    ),
    (
        "magnet:?xt=urn:ed2k:354B15E68FB8F36D7CD88FF94116CDC1&xt=urn:tree:tiger:7N5OAMRNGMSSEUE3ORHOKWN4WWIQ5X4EBOOTLJY&xt=urn:btih:QHQXPYWMACKDWKP47RRVIV7VOURXFE5Q&xl=10826029&dn=mediawiki-1.15.1.tar.gz",
        "81e177e2cc00943b29fcfc635457f575237293b0",
        "mediawiki-1.15.1.tar.gz",
        [],
    ),
    (
        "magnet:?xt=urn:btih:64DZYZWMUAVLIWJUXGDIK4QGAAIN7SL6&x.pe=123.213.32.10:47450&x.pe=[2001:db8::2]:55013&x.pe=123.213.32.10:47450",
        "f7079c66cca02ab45934b9868572060010dfc97e",
        None,
        ["123.213.32.10:47450", "[2001:db8::2]:55013"],
    ),
    (
        "magnet:?xt=urn:btih:631a31dd0a46257d5078c0dee4e66e26f73e42ac&xt=urn:btmh:1220d8dd32ac93357c368556af3ac1d95c9d76bd0dff6fa9833ecdac3d53134efabb&dn=bittorrent-v1-v2-hybrid-test",
        "631a31dd0a46257d5078c0dee4e66e26f73e42ac",
        "bittorrent-v1-v2-hybrid-test",
        [],
    ),
    (
        "magnet:?xt=urn:btmh:1220caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e&dn=bittorrent-v2-test",
        "",
        "bittorrent-v2-test",
        [],
    ),
]

# uri, what is wrong with it
INVALID: list[tuple[str, str]] = [
    ("magnet:?xt=urn%%3A", "bad percent escape"),
    ("magnet:?dn=foo&dht=127.0.0.1:43", "no info-hash"),
    ("magnet:?xt=blah&dn=foo&dht=127.0.0.1:43", "no info-hash"),
    ("magnet:?xt=urn:btih:abababab", "short"),
    ("magnet:?xt=urn:btih:ababababababababababab", "neither 32 nor 40 characters"),
    ("magnet:?xt=urn:btih: abababababababababab", "space"),
    ("magnet:?xt=urn:btih:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "40 characters, not hex"),
    (
        "magnet:?xt=urn:btmh:1220cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdc",
        "short v2",
    ),
    (
        "magnet:?xt=urn:btmh:1221cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "wrong multihash length byte",
    ),
    (
        "magnet:?xt=urn:btmh:1220zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "not hex",
    ),
    ("magnet:?xt=urn:btih:abaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "trailing newline"),
    ("", "empty"),
    ("magnet:", "empty"),
    ("magnet:?", "empty"),
    ("magnet:?xt=urn:btih:===", "junk"),
    ("magnet:?xt", "no value"),
    ("magnet:?xt=?dn=", "junk"),
    ("magnet:?xt=urn:sha1:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C", "other URN only"),
    ("magnet:?xt=urn:btih:this hash is really broken", "junk"),
]

# the values of all `so` parameters, the indices of files they select
SELECT_ONLY: list[tuple[list[str], tuple[int, ...]]] = [
    (["0,2,4,6-8"], (0, 2, 4, 6, 7, 8)),
    (["0,2-4,3-5"], (0, 2, 3, 4, 5)),
    (["2-4", "1"], (1, 2, 3, 4)),
    (["7-4,100000000", "10"], (10,)),
    (["100000000", "10"], (10,)),
    (["-4", "1"], (1,)),
    (["3-", "1"], (1,)),
    (["a", "1"], (1,)),
    (["", ""], ()),
    (["", ",,1"], (1,)),
    (['"1,2"'], ()),
]
