"""Each defence stops its attack, and is needed: without it the attack succeeds (T25 to T30)."""

import pytest

from tests.attack.guards import DEFENCES, ELSEWHERE, GUARDS, Guard


def name(guard: Guard) -> str:
    return f"{guard.defence}-{guard.attack.__name__}-{'-'.join(guard.off)}"


@pytest.mark.parametrize("guard", GUARDS, ids=name)
def test_the_attack_fails(guard: Guard) -> None:
    assert not guard.attack()


@pytest.mark.parametrize("guard", GUARDS, ids=name)
def test_without_the_guard_it_succeeds(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    guard.switch_off(monkeypatch)
    assert guard.attack()


def test_every_defence_is_shown() -> None:
    shown = {guard.defence for guard in GUARDS}
    assert shown | set(ELSEWHERE) == set(DEFENCES) and not shown & set(ELSEWHERE)
