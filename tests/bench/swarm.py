"""Whole swarms in virtual time, as a table and as pictures: `make bench-swarm`.

Nothing is measured by the clock: one seed gives one result on any machine. Pictures need the extra
`plots`; without it there is the table alone.

    python -m tests.bench.swarm [--plots FOLDER] [--seed N]
"""

import argparse
import importlib.util
from pathlib import Path

from tests.sim.crowd import Giving, Scale, giving, one_copy, payload, scale

LEECHERS = (1, 2, 4, 8, 16, 32, 64)
RATES = [25e3] * 8 + [50e3] * 8 + [100e3] * 8 + [200e3] * 6
FREE_RIDERS = 10
SEED_BYTES_PER_S = 125e3
ONE_COPY_RUNS = 20
NEWS_S = 10.0  # 5.5 s is the longest of these runs


def tell_scale(points: list[Scale], peers: str) -> None:
    print(f"\nDoes it scale? One seeder of 125 kB/s, leechers of {peers}")
    print("leechers  last done  client-server  lower bound  x bound")
    for point in points:
        ratio = point.last_s / point.bound_s
        print(
            f"{point.leechers:8} {point.last_s:8.0f} s {point.client_server_s:12.0f} s"
            f" {point.bound_s:10.0f} s {ratio:8.2f}"
        )


def tell_giving(result: Giving) -> None:
    print(
        f"\nDoes giving pay? {len(RATES)} who give, {FREE_RIDERS} who do not, one seed of 200 kB/s"
    )
    print("upload kB/s  done after (mean)")
    for rate in sorted({rate for rate, _ in result.contributors}):
        taken = [seconds for up, seconds in result.contributors if up == rate]
        print(f"{rate / 1000:11.0f} {sum(taken) / len(taken):10.0f} s")
    riders = result.free_riders_s
    print(f" free rider {sum(riders) / len(riders):10.0f} s")
    print(f"contributors are done {result.advantage:.2f} times sooner (medians)")
    print(f"rank correlation of upload and download rate {result.correlation:.2f}")
    print(f"newcomers' first pieces after {max(result.first_pieces_s):.1f} s at most")


def tell_one_copy(seed: int) -> None:
    torrent = payload(8 * 1024, 32)
    runs = [one_copy(torrent, 16, 100e3, seed + number, NEWS_S) for number in range(ONE_COPY_RUNS)]
    print(f"\nIs one copy enough? {len(runs)} swarms of 16, the seed gone when every piece is out")
    print(f"completed {sum(run.complete for run in runs)} of {len(runs)}")
    print(f"fewest holders of any piece {min(run.holders_least for run in runs)}")
    print(f"fewest that a peer counts {min(run.counted_least for run in runs)}")
    print(f"copies the seed had sent {max(run.copies_sent for run in runs):.2f} at most")


def draw_scale(points: list[Scale], path: Path) -> None:
    """Grey and two colours that can be read on white and on black alike; text stays text, so that
    the picture is small, and one result gives one file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    muted = "#808890"
    with pyplot.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "torrentd",
            "font.family": "sans-serif",
            "font.size": 10,
            "text.color": muted,
            "axes.labelcolor": muted,
            "axes.edgecolor": muted,
            "xtick.color": muted,
            "ytick.color": muted,
        }
    ):
        figure, axes = pyplot.subplots(figsize=(6.4, 3.0))
        leechers = [point.leechers for point in points]
        curves = [
            ("from the seeder alone", "--", muted, [p.client_server_s for p in points]),
            ("torrentd, the last one", "o-", "#2f81f7", [p.last_s for p in points]),
            ("lower bound", ":", "#db6d28", [p.bound_s for p in points]),
        ]
        for label, style, colour, seconds in curves:
            axes.plot(leechers, [s / 60 for s in seconds], style, color=colour, label=label)
        axes.set(xlabel="leechers", ylabel="minutes", xlim=(0, leechers[-1] + 1))
        axes.set_ylim(0, 12 * points[-1].last_s / 60)
        axes.legend(frameon=False)
        axes.grid(color=muted, alpha=0.25)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        figure.tight_layout()
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, dpi=80, transparent=path.suffix == ".svg", metadata=metadata)
        pyplot.close(figure)


def draw_giving(result: Giving, path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    rates = [rate / 1000 for rate, _ in result.contributors]
    axes.plot(rates, [seconds for _, seconds in result.contributors], "o", label="contributors")
    riders = result.free_riders_s
    axes.plot([0.0] * len(riders), riders, "x", label="free riders")
    axes.set(xlabel="upload, kB/s", ylabel="done after, s", ylim=(0, None))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--plots", type=Path, default=None)
    parser.add_argument("--svg", type=Path, default=None, help="one picture more: does it scale?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leechers-max", type=int, default=64)
    arguments = parser.parse_args()
    counts = [count for count in LEECHERS if count <= arguments.leechers_max]
    torrent = payload(16 * 1024, 16)
    seed = arguments.seed
    equal = [scale(torrent, n, SEED_BYTES_PER_S, SEED_BYTES_PER_S, seed) for n in counts]
    tell_scale(equal, "125 kB/s each")
    slower = [scale(torrent, n, SEED_BYTES_PER_S, SEED_BYTES_PER_S / 5, seed) for n in counts]
    tell_scale(slower, "25 kB/s each")
    result = giving(payload(64 * 1024, 256), RATES, FREE_RIDERS, 200e3, seed)
    tell_giving(result)
    tell_one_copy(seed)
    if arguments.plots is None:
        return
    if importlib.util.find_spec("matplotlib") is None:
        print("\nno pictures: pip install -e '.[plots]' brings matplotlib")
        return
    arguments.plots.mkdir(parents=True, exist_ok=True)
    draw_scale(equal, arguments.plots / "scale.png")
    draw_giving(result, arguments.plots / "giving.png")
    if arguments.svg is not None:
        draw_scale(equal, arguments.svg)
    print(f"\npictures in {arguments.plots}")


if __name__ == "__main__":
    main()
