"""Path vectors: what libtorrent 2.1 makes of them on Linux (BSD-3-Clause, as facts); so do we."""

# the components as they stand in a torrent, the path below its root
COMPONENTS: list[tuple[list[bytes], str]] = [
    ([b"/a/", b"b", b"c"], "a/b/c"),
    ([b"a...b"], "a...b"),
    ([b"a", b"..", b"c"], "a/_/c"),
    ([b"a", b".."], "a/_"),
    ([b"/..", b".", b"c"], "_/_/c"),
    ([b"dev:"], "dev:"),
    ([b"\\c", b".", b"c"], "c/_/c"),
    ([b"\x08"], "_"),
    ([b"abc", b""], "abc/_"),
    ([b"", b"abc"], "_/abc"),
    ([b"\x08?filename=4"], "_?filename=4"),
    ([b"filename\xc2\xa1"], "filename\xa1"),
    ([b"filename\xc2"], "filename_"),
    ([b"filename\xe2\x9f"], "filename_"),
    ([b"filename\xf0\x9f\x92\x88"], "filename\U0001f488"),
    ([b"filename\xf8\x9f\x9f\x9f\x9ffoobar"], "filename_foobar"),
    ([b"filename\xc0\xae"], "filename_"),
    ([b"filename\xe0\x80\xae"], "filename_"),
    ([b"filename\xf0\x80\x80\xae"], "filename_"),
    ([b"//\\"], "_"),
    ([b"foo\xe2\x80\x8ebar"], "foobar"),
    ([b"foo\xe2\x80\xabbar"], "foobar"),
    ([b"foo\x7fbar"], "foo_bar"),
    ([b"foo\xc2\x80bar"], "foo_bar"),
    ([b"foo\xe2\x80\x8bbar"], "foobar"),
    ([b"foo\xe2\x81\xa6bar"], "foobar"),
    ([b"foo\xef\xbb\xbfbar"], "foobar"),
]

# the name of the torrent, the name of its root; "" for the infohash
ROOTS: list[tuple[bytes, str]] = [
    (b"/test1/test2/test3", "test1test2test3"),
    (b"test2/../test3/.././../../test4", "test2..test3.......test4"),
    (b"..", ""),
]

# the paths of all files in order, their unique names
COLLISIONS: list[tuple[list[str], list[str]]] = [
    (
        [
            "test/temporary.txt",
            "test/Temporary.txt",
            "test/TeMPorArY.txT",
            "test/test/TEMPORARY.TXT",
        ],
        [
            "test/temporary.txt",
            "test/Temporary.1.txt",
            "test/TeMPorArY.2.txT",
            "test/test/TEMPORARY.TXT",
        ],
    ),
    (
        ["test/b.exe", "test/B.ExE", "test/B.exe", "test/filler"],
        ["test/b.exe", "test/B.1.ExE", "test/B.2.exe", "test/filler"],
    ),
    (["test/a", "test/a/b"], ["test/a.1", "test/a/b"]),
    (
        ["test/A/tmp", "test/a", "test/A", "test/filler"],
        ["test/A/tmp", "test/a.1", "test/A.2", "test/filler"],
    ),
    (
        ["test/long/path/name/that/collides", "test/long/path", "test/filler-1"],
        ["test/long/path/name/that/collides", "test/long/path.1", "test/filler-1"],
    ),
]
