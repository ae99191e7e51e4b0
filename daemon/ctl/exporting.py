"""`torrentctl export`: a torrent as a magnet, or as a torrent file that is written here."""

import base64
import binascii
import sys

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, USAGE, Failure


def write(document: Document, path: str) -> None:
    """Never over a file that is there. Raises Failure."""
    try:
        metainfo = base64.b64decode("".join(document.texts("metainfo")), validate=True)
    except binascii.Error:
        raise Failure(REFUSED, "the daemon's answer holds no torrent file") from None
    if path == "-":
        if sys.stdout.isatty():
            raise Failure(USAGE, "a torrent file is no text for a terminal; name a file for it")
        sys.stdout.buffer.write(metainfo)
        sys.stdout.buffer.flush()
        return
    try:
        with open(path, "xb") as file:
            file.write(metainfo)
    except FileExistsError:
        raise Failure(USAGE, f"{path} is there already, and stays as it is") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) else "no such name"
        raise Failure(USAGE, f"cannot write {path}: {reason}") from None
