"""`torrentctl watch`: the live screen, where there is a terminal and what draws it is installed."""

import os
import sys

from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.failure import USAGE, Failure

MISSING = (
    "watch needs textual, which is not installed; pip install 'torrentd[tui]' brings it, and "
    "torrentctl status needs nothing"
)


def watch(client: Client) -> int:
    """The exit code. Raises Failure, also when nobody answers to begin with."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise Failure(USAGE, "watch needs a terminal; status --json is for scripts")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise Failure(USAGE, "watch needs a terminal that can move its cursor; TERM says it cannot")
    try:
        from torrentd.daemon.ctl.screen.watch import Watch
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        raise Failure(USAGE, MISSING) from None
    from torrentd.daemon.ctl.screen.link import Link

    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # textual would take an empty one for a yes
    client.call("version")
    client.close()
    return Watch(Link(client.path)).until_ended()
