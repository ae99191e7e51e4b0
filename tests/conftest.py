"""What every test has: a machine without the user's own settings, and hypothesis that repeats."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A test that fails must fail again: examples are drawn from the test's name, not from chance.
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

OURS = ("TORRENTD_CONFIG", "TORRENTCTL_SOCKET")
SUPERVISOR = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS")
FOLDERS = ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY")


# These neither bind ports nor start daemons: they may run beside all others, file by file.
PURE = ("dht", "sim", "vectors", "wire")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` has two processes: whatever has ports of its own stays in one of them."""
    for item in items:
        folder = item.nodeid.split("/")[1]
        name = item.nodeid.partition("::")[0] if folder in PURE else "ports"
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(autouse=True, scope="session")
def nothing_of_the_users_is_touched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever runs the tests may run a daemon too, or run them inside of a service."""
    for name in (*OURS, *SUPERVISOR, *FOLDERS):
        os.environ.pop(name, None)
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_DOWNLOAD_DIR"):
        os.environ[name] = str(home)
