"""The exit codes are a promise to scripts."""

from torrentd.daemon.ctl import failure
from torrentd.daemon.ctl.parser import EXIT_CODES


def test_the_codes_are_those_of_the_help() -> None:
    codes = {
        failure.DONE: "0 done",
        failure.REFUSED: "1 the daemon said no",
        failure.USAGE: "2 wrong usage",
        failure.NO_DAEMON: "3 no daemon at the socket",
        failure.TIMED_OUT: "4 timed out",
        failure.INTERRUPTED: "130 interrupted",
    }
    assert list(codes) == [0, 1, 2, 3, 4, 130]
    assert all(words in EXIT_CODES for words in codes.values())


def test_a_failure_carries_its_sentence_and_code() -> None:
    caught = failure.Failure(failure.NO_DAEMON, "nobody there")
    assert (caught.exit_code, str(caught)) == (3, "nobody there")
