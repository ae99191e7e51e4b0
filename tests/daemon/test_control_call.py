"""A request on its way, and what comes of it."""

from torrentd.daemon.control_call import Answer


def test_an_answer_is_the_end_of_it_unless_it_says_otherwise() -> None:
    assert Answer({}).then is None
