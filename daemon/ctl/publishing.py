"""`torrentctl publish`: the key is read, and the new version signed, here and not in the daemon.

The key file is PEM, as `openssl genpkey -algorithm ed25519` makes one, and nobody else may read it.
"""

import os
import re
import stat
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, USAGE, Failure

KEY_BYTES_MAX = 4096
_INFOHASH = re.compile(r"[0-9a-f]{40}")
ANSWER_S = 90.0


def publish(client: Client, path: str, new_key: bool, torrent: str, salt: str) -> Document:
    """The new version of what the key and salt name is `torrent`. Raises Failure."""
    key = make_key(Path(path)) if new_key else read_key(Path(path))
    public = key.public_key().public_bytes_raw().hex()
    infohash = torrent.lower()
    if not _INFOHASH.fullmatch(infohash):
        infohash = client.call("info", {"torrent": torrent}).text("infohash")
    salt_hex = salt.encode().hex()
    seq = max(int(time.time()), _last_seq(client, public, salt_hex) + 1)
    signature = key.sign(signed_bytes(salt.encode(), seq, bytes.fromhex(infohash)))
    params: dict[str, Json] = {
        "key": public,
        "seq": seq,
        "infohash": infohash,
        "signature": signature.hex(),
    }
    if salt_hex:
        params["salt"] = salt_hex
    return client.call("publish", params, answer_s=ANSWER_S)


def _last_seq(client: Client, public: str, salt_hex: str) -> int:
    """Of the version that is out, as far as the DHT and the daemon know."""
    params: dict[str, Json] = {"target": public, **({"salt": salt_hex} if salt_hex else {})}
    known = [client.call("dht get", params, answer_s=ANSWER_S).integer("seq")]
    for pointer in client.call("follow", {}).children("pointers"):
        if (pointer.text("key"), pointer.text("salt")) == (public, salt_hex):
            known.append(pointer.integer("seq"))
    return max(known)


def signed_bytes(salt: bytes, seq: int, infohash: bytes) -> bytes:
    """What is signed, as dht/items has it: torrentctl starts without the engine."""
    salted = b"4:salt%d:%b" % (len(salt), salt) if salt else b""
    return b"%b3:seqi%de1:vd2:ih20:%be" % (salted, seq, infohash)


def read_key(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Failure(REFUSED, f"others may read {path}: chmod 600 it, as it is a key")
            data = file.read(KEY_BYTES_MAX)
    except FileNotFoundError:
        raise Failure(USAGE, f"there is no key at {path}; --new-key makes one") from None
    except OSError as error:
        raise Failure(REFUSED, f"cannot read the key {path}: {error.strerror}") from None
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError):
        raise Failure(REFUSED, f"{path} is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Failure(REFUSED, f"{path} is a key of another kind: it must be ed25519")
    return key


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new one, for nobody else to read; never in place of another."""
    key = Ed25519PrivateKey.generate()
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Failure(USAGE, f"there is a key at {path} already; leave out --new-key") from None
    except OSError as error:
        raise Failure(REFUSED, f"cannot write the key {path}: {error.strerror}") from None
    return key
