"""The shipped torrentd.yaml, made of the schema.

    python -m torrentd.config.example > config/torrentd.yaml

Every key stands in it with its sentence, what is allowed, and its default, commented out: loading
the file gives the defaults, and a key set by somebody stays visible among those that are not.
"""

import sys
import textwrap

from torrentd.config.keys import Key, all_keys, value_text

WIDTH = 96
HEADER = """\
## The configuration of torrentd, read at start and on SIGHUP, never written by the daemon.
## `torrentd --check-config` says what is wrong with it. Lines that begin with `# ` show defaults:
## remove these two characters to set a key. A file may set one key; all others keep their default.
## Searched for: --config, $TORRENTD_CONFIG, ~/.config/torrentd/torrentd.yaml (or systemd's
## $CONFIGURATION_DIRECTORY), /etc/torrentd/torrentd.yaml. The first that is there is the only one.
"""
# For the keys whose default depends on who starts the daemon.
SHOWN_DEFAULTS = {
    "state_dir": "~/.local/state/torrentd",
    "download_dir": "~/Downloads",
    "control.socket": "/run/user/1000/torrentd/control.sock",
}


def example_yaml() -> str:
    """The whole text of config/torrentd.yaml."""
    return HEADER + "".join(_paragraph(key) for key in all_keys().values())


def _paragraph(key: Key) -> str:
    indent = "  " if "." in key.name else ""
    lines = textwrap.wrap(key.sentence, WIDTH - len(indent) - 3)
    if key.section is None:
        effect = " A change takes a restart." if key.at_start else ""
        lines += textwrap.wrap(f"Allowed: {key.right}.{effect}", WIDTH - len(indent) - 3)
        values = [f"# {line}" for line in _yaml_lines(key)]
    else:
        values = [f"{key.name}:"]
    return "\n" + "".join(
        f"{indent}{line}\n" for line in [*(f"## {each}" for each in lines), *values]
    )


def _yaml_lines(key: Key) -> list[str]:
    last = key.name.rpartition(".")[2]
    value = SHOWN_DEFAULTS.get(key.name, key.default)
    if value == ():
        return [f"{last}: []"]
    if isinstance(value, tuple):
        return [f"{last}:", *(f'  - "{item}"' for item in value)]
    return [f"{last}: {value_text(value, key.is_size)}"]


if __name__ == "__main__":
    sys.stdout.write(example_yaml())
