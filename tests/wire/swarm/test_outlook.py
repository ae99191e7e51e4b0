"""Who gives and what nobody has, counted (BEP 3)."""

from tests.wire.swarm.scene import Guest, Scene


def test_nobody_is_there() -> None:
    outlook = Scene().swarm.outlook()
    assert (outlook.known, outlook.connected, outlook.sources) == (0, 0, 0)
    assert (outlook.lacking, outlook.sourceless, outlook.first_sourceless) == (13, 13, 0)


def test_addresses_dials_and_who_has_not_shaken_hands() -> None:
    scene = Scene()
    scene.find("20.0.0.1", "20.1.0.1")
    assert (scene.swarm.outlook().known, scene.swarm.outlook().dialing) == (2, 2)
    Guest(scene, "20.0.0.1", dialed=True, greet=False)
    outlook = scene.swarm.outlook()
    assert (outlook.dialing, outlook.connected, outlook.greeted) == (1, 1, 0)


def test_a_seed_that_chokes_us_then_lets_us_then_sends_nothing() -> None:
    scene = Scene()
    guest = Guest(scene, pieces=scene.full())
    outlook = scene.swarm.outlook()
    assert (outlook.sources, outlook.choking, outlook.sourceless) == (1, 1, 0)
    guest.far.send_unchoke(scene.now)
    guest.flush()
    outlook = scene.swarm.outlook()
    assert (outlook.sources, outlook.choking, outlook.snubbed) == (1, 0, 0)
    scene.later(90)
    assert scene.swarm.outlook().snubbed == 1


def test_what_nobody_has_is_counted_and_the_first_one_named() -> None:
    scene = Scene(have=None)
    Guest(scene, "20.0.0.1", pieces=scene.pieces(0, 1, 2))
    Guest(scene, "20.1.0.1", pieces=scene.pieces(2, 3, 12))
    outlook = scene.swarm.outlook()
    assert (outlook.lacking, outlook.sourceless, outlook.first_sourceless) == (13, 8, 4)
    scene = Scene(have=scene.full())
    Guest(scene, pieces=scene.pieces(0))
    outlook = scene.swarm.outlook()
    assert (outlook.sources, outlook.lacking, outlook.first_sourceless) == (0, 0, None)


def test_what_those_who_are_here_have() -> None:
    scene = Scene()
    assert scene.swarm.here.count == 0
    Guest(scene, "20.0.0.1", pieces=scene.pieces(0, 1))
    Guest(scene, "20.1.0.1", pieces=scene.pieces(1, 12))
    assert scene.swarm.here == scene.pieces(0, 1, 12)
    assert Scene(magnet=True).swarm.here.size == 0


def test_before_the_metadata_no_piece_lacks() -> None:
    assert Scene(magnet=True).swarm.outlook().lacking == 0
