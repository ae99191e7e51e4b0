"""torrentctl: one request on the control socket, one answer shown.

Exit codes: 0 done, 1 the daemon said no, 2 wrong usage, 3 no daemon at the socket, 4 timed out;
130 after Ctrl-C. Every error is one sentence on standard error. What not every verb needs is
imported where it is needed: people type this all day.
"""

import io
import os
import sys
from collections.abc import Sequence

from torrentd.daemon.ctl.arguments import parse
from torrentd.daemon.ctl.failure import DONE, INTERRUPTED, REFUSED, Failure
from torrentd.daemon.ctl.verbs import print_error, run_verb


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; returns the exit code, as SystemExit wants it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no error
    try:
        code = run_verb(parse(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except Failure as failure:
        code = failure.exit_code
        print_error(failure.sentence)
    except KeyboardInterrupt:
        code = INTERRUPTED
        print_error("interrupted")
    except BrokenPipeError:  # `torrentctl status | head -1`: the reader has what it wanted
        code = DONE
        _drop_output()
    except OSError as error:
        code = REFUSED
        _drop_output()
        print_error(f"cannot write the answer: {error.strerror}")
    return code


def _drop_output() -> None:
    """So that the interpreter's own last flush meets nothing to complain about."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
