"""Questions to the DHT: each is answered once, and nobody waits for a node that is gone."""

import asyncio

from torrentd.daemon.dht_questions import Questions
from torrentd.dht.outputs import PingEnded
from torrentd.wire.formats.address import Address

ONE, TWO = Address("192.0.2.1", 6881), Address("192.0.2.2", 6881)


def test_each_who_asked_for_an_address_hears_of_it() -> None:
    async def scenario() -> None:
        questions = Questions()
        first, second, other = questions.ping(ONE), questions.ping(ONE), questions.ping(TWO)
        second.cancel()  # gone meanwhile
        ended = PingEnded(ONE, 0.1)
        questions.ping_ended(ended)
        questions.ping_ended(ended)  # nobody asks any more
        assert first.result() is ended and not other.done()

    asyncio.run(scenario())


def test_the_end_of_the_node_ends_every_question() -> None:
    async def scenario() -> None:
        questions = Questions()
        asked = questions.ping(ONE)
        questions.close()
        assert asked.cancelled()

    asyncio.run(scenario())
