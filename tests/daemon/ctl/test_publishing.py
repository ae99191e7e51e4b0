"""publish: the key file, and what is signed."""

import subprocess
from pathlib import Path

import pytest

from torrentd.daemon.ctl.failure import Failure
from torrentd.daemon.ctl.publishing import make_key, read_key, signed_bytes
from torrentd.dht import items
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.pointer import encode_pointer

INFOHASH = InfoHash(b"i" * 20)


@pytest.mark.parametrize("salt", [b"", b"n", b"x" * 64])
def test_what_is_signed_is_what_the_engine_verifies(salt: bytes) -> None:
    expected = items.signed_bytes(salt, 1_900_000_000, encode_pointer(INFOHASH))
    assert signed_bytes(salt, 1_900_000_000, INFOHASH) == expected


def test_a_new_key_is_for_nobody_else_and_never_in_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path).private_bytes_raw() == made.private_bytes_raw()
    with pytest.raises(Failure, match="already"):
        make_key(path)
    assert read_key(path).private_bytes_raw() == made.private_bytes_raw()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    make_key(path)
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(Failure, match="chmod 600"):
            read_key(path)


def test_files_that_are_no_keys(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="--new-key"):
        read_key(tmp_path / "none")
    path = tmp_path / "text"
    path.touch(0o600)
    path.write_text("no key")
    with pytest.raises(Failure, match="no private key"):
        read_key(path)
    with pytest.raises(Failure, match="cannot write"):
        make_key(tmp_path / "no" / "folder")


def test_a_key_of_openssl_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        return  # what it writes is PKCS #8, as make_key does
    path.chmod(0o600)
    assert len(read_key(path).private_bytes_raw()) == 32
