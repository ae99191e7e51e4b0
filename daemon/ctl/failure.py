"""How torrentctl ends: the documented exit codes, and the one exception that carries them."""

DONE = 0
REFUSED = 1  # the daemon said no
USAGE = 2  # the command line, or a file it names, is wrong
NO_DAEMON = 3  # nobody answers at the socket
TIMED_OUT = 4
INTERRUPTED = 130  # Ctrl-C, as a shell counts it


class Failure(Exception):
    """The end of a verb: one sentence for standard error, and the exit code."""

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.sentence = sentence
