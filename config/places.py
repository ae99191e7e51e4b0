"""Where things live when nobody says so: systemd's folders, else the user's (XDG).

systemd passes `$STATE_DIRECTORY`, `$RUNTIME_DIRECTORY` and `$CONFIGURATION_DIRECTORY` to a service;
`~` and the XDG variables are asked only without them. XDG: "All paths set in these environment
variables must be absolute. If an implementation encounters a relative path […] it should consider
the path invalid and ignore it."
"""

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONFIG_NAME = "torrentd.yaml"
SYSTEM_CONFIG = Path("/etc/torrentd") / CONFIG_NAME
SYSTEM_RUNTIME_DIR = Path("/run/torrentd")
USER_DIRS_BYTES_MAX = 64 * 1024
_DOWNLOAD_DIR = re.compile(r'^\s*XDG_DOWNLOAD_DIR="(\$HOME)?(/[^"\n]*)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Places:
    state_dir: Path
    download_dir: Path
    control_socket: Path


def default_places(environ: Mapping[str, str]) -> Places:
    """The three paths that have no constant default; nothing is created."""
    state_dir = _systemd_dir(environ, "STATE_DIRECTORY")
    if state_dir is not None:
        download_dir = state_dir / "downloads"
    else:
        state_dir = _xdg_dir(environ, "XDG_STATE_HOME", ".local/state") / "torrentd"
        download_dir = _user_download_dir(environ)
    return Places(state_dir, download_dir, _runtime_dir(environ, state_dir) / "control.sock")


def find_config_file(option: Path | None, environ: Mapping[str, str]) -> Path | None:
    """`--config`, `$TORRENTD_CONFIG`, the user's, /etc: the first one; None: the defaults stand.

    The first two are returned whether the file is there or not: who names a file means it.
    systemd's configuration folder stands in the place of the user's, since a service's home is
    where the service itself may write.
    """
    if option is not None:
        return option
    named = environ.get("TORRENTD_CONFIG")
    if named:
        return Path(named)
    own_dir = _systemd_dir(environ, "CONFIGURATION_DIRECTORY")
    if own_dir is None:
        own_dir = _xdg_dir(environ, "XDG_CONFIG_HOME", ".config") / "torrentd"
    for path in (own_dir / CONFIG_NAME, SYSTEM_CONFIG):
        if _may_exist(path):
            return path
    return None


def home_trash(environ: Mapping[str, str]) -> Path:
    """Of whoever runs the daemon, a service's own account too."""
    return _xdg_dir(environ, "XDG_DATA_HOME", ".local/share") / "Trash"


def _may_exist(path: Path) -> bool:
    """A file we may not see is not passed over: reading it will say why."""
    try:
        path.stat()
    except PermissionError:
        return path != SYSTEM_CONFIG  # whoever may not read /etc/torrentd is not the service
    except OSError:
        return False
    return True


def _systemd_dir(environ: Mapping[str, str], name: str) -> Path | None:
    """systemd lists several folders with colons between them; the first is ours."""
    return _absolute(environ.get(name, "").partition(":")[0])


def _absolute(text: str) -> Path | None:
    return Path(text) if text.startswith("/") else None


def _home(environ: Mapping[str, str]) -> Path:
    home = _absolute(environ.get("HOME", ""))
    if home is not None:
        return home
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a uid without an account, as in a container
        return Path("/")


def _xdg_dir(environ: Mapping[str, str], name: str, below_home: str) -> Path:
    return _absolute(environ.get(name, "")) or _home(environ) / below_home


def _user_download_dir(environ: Mapping[str, str]) -> Path:
    """The desktop's choice, which has a translated name in many homes."""
    choices = _xdg_dir(environ, "XDG_CONFIG_HOME", ".config") / "user-dirs.dirs"
    try:
        with choices.open("rb") as file:
            text = file.read(USER_DIRS_BYTES_MAX).decode("utf-8", "surrogateescape")
    except OSError:
        text = ""
    match = _DOWNLOAD_DIR.search(text)
    if match is None:
        return _home(environ) / "Downloads"
    return Path(f"{_home(environ)}{match[2]}") if match[1] else Path(match[2])


def _runtime_dir(environ: Mapping[str, str], state_dir: Path) -> Path:
    """Where torrentctl looks too; without a runtime folder only `--socket` finds us."""
    own = _systemd_dir(environ, "RUNTIME_DIRECTORY")
    if own is not None:
        return own
    user = _absolute(environ.get("XDG_RUNTIME_DIR", ""))
    if user is not None:
        return user / "torrentd"
    return SYSTEM_RUNTIME_DIR if os.getuid() == 0 else state_dir
