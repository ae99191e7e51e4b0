"""Two torrents never write into one file (F10)."""

from torrentd.daemon.path_claims import PathClaims
from torrentd.wire.formats.ids import InfoHash

FIRST, SECOND = InfoHash(b"1" * 20), InfoHash(b"2" * 20)


def test_a_path_belongs_to_who_came_first_until_it_is_released() -> None:
    claims = PathClaims()
    assert claims.claim(FIRST, ["/d/a", "/d/b"]) is None
    assert claims.claim(SECOND, ["/d/c", "/d/b"]) == FIRST
    assert claims.claim(SECOND, ["/d/c"]) is None, "nothing was kept of the claim that failed"
    claims.release(FIRST)
    assert claims.claim(SECOND, ["/d/b"]) is None


def test_a_torrent_may_claim_again() -> None:
    claims = PathClaims()
    assert claims.claim(FIRST, ["/d/a", "/d/a"]) is None
    assert claims.claim(FIRST, ["/d/b"]) is None
    assert claims.claim(SECOND, ["/d/a"]) is None, "a new claim replaces the old one"


def test_releasing_what_was_never_claimed_is_nothing() -> None:
    PathClaims().release(FIRST)
