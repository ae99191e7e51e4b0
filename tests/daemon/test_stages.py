"""The stages of a magnet: in order, each passed once, with the time each took."""

from torrentd.daemon.stages import STAGES, Stages


def test_each_stage_in_turn_has_its_time() -> None:
    stages = Stages(10.0)
    assert stages.seconds(10.25) == {"dht": 0.25}
    seen = [stages.present]
    for number, stage in enumerate(STAGES, 1):
        stages.passed(stage, 10.0 + number * number)
        seen.append(stages.present)
    assert seen == [*STAGES, None]
    assert stages.seconds(99.0) == {"dht": 1.0, "peers": 3.0, "handshakes": 5.0, "metadata": 7.0}


def test_who_jumps_ahead_took_no_time_for_what_lies_between() -> None:
    """A magnet with `x.pe` needs no DHT; whoever calls us was never looked for."""
    stages = Stages(10.0)
    stages.passed("handshakes", 12.0)
    assert stages.present == "metadata"
    assert stages.seconds(13.0) == {"dht": 2.0, "peers": 0.0, "handshakes": 0.0, "metadata": 1.0}


def test_what_is_lost_again_was_passed_all_the_same() -> None:
    stages = Stages(10.0)
    stages.passed("handshakes", 12.0)
    stages.passed("peers", 20.0)
    stages.passed("handshakes", 30.0)
    assert stages.seconds(31.0)["metadata"] == 19.0
