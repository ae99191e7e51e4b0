"""Which torrentd this is, as its package says."""

from importlib.metadata import PackageNotFoundError, version


def package_version(name: str = "torrentd") -> str:
    """`unknown` where the code runs without having been installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


VERSION = package_version()
