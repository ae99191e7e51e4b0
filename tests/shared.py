"""Where the checkout is, and where the material that is no part of it may be found.

`../shared` beside the checkout, or `$TORRENTD_SHARED`, holds vectors and torrents of others. The
tests stand without it: what reads it asks `shared_path`, which skips when it is absent.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors"  # ours, in our own form
CODE_FOLDERS = ("config", "daemon", "dht", "wire")
CORES = ("dht", "wire/formats", "wire/peer", "wire/swarm")


def shared_dir() -> Path | None:
    """None when it is absent."""
    path = Path(os.environ.get("TORRENTD_SHARED", ROOT.parent / "shared"))
    return path if path.is_dir() else None


def shared_path(relative: str) -> Path:
    """A file or folder below it; skips the test that asks when it is not there."""
    folder = shared_dir()
    if folder is None or not (folder / relative).exists():
        pytest.skip(f"../shared/{relative} is not here (or set TORRENTD_SHARED)")
    return folder / relative


def required(what: str, reason: str) -> None:
    """Skips for a tool that is missing on a developer's machine; fails in the gate."""
    if os.environ.get("TORRENTD_REAL_CLIENTS") == "required":
        pytest.fail(f"{what} is required here: {reason}")
    pytest.skip(f"{what} is not here: {reason}")
