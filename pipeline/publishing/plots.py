"""The plots of a dataset: what was kept, reasoning lengths, categories and, where they were measured, speedups."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from eval.plots import HEIGHT, Palette, draw_reasoning_lengths, png, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[["Axes", Palette], None]


def drawings(figures: Mapping[str, Any]) -> dict[str, tuple[str, Draw, float]]:
    """Return name -> (what it shows, how to draw it, height in inches) of every plot there is something for."""
    lengths, speedup, categories = figures["reasoning_tokens"], figures["speedup"], figures["by_category"]
    steps = [("candidates", figures["funnel"]["candidates"])]
    steps += [(step["filter"], step["after"]) for step in figures["funnel"]["filters"]]
    found: dict[str, tuple[str, Draw, float]] = {
        "funnel": ("Candidates that are left after each filter", partial(_bars, steps), _height(len(steps)))
    }
    if lengths["right"]["n"] or lengths["wrong"]["n"]:
        draw: Draw = lambda axes, colours: draw_reasoning_lengths(axes, lengths, colours)  # noqa: E731
        found["reasoning_lengths"] = ("Lengths of reasoning of right and wrong candidates", draw, HEIGHT)
    if categories:
        words = "Samples of each category beside the candidates that were right"
        found["categories"] = (words, partial(_categories, categories), _height(len(categories)))
    if speedup:
        found["speedups"] = ("Samples by speedup over eager PyTorch", partial(_speedups, speedup), HEIGHT)
    return found


def images(figures: Mapping[str, Any]) -> dict[str, tuple[str, bytes]]:
    """Return name -> (what it shows, PNG bytes)."""
    return {name: (shows, png(draw, height)) for name, (shows, draw, height) in drawings(figures).items()}


def _height(n_bars: int) -> float:
    return max(1.6, 0.34 * n_bars + 0.9)


def _bars(steps: list[tuple[str, int]], axes: "Axes", colours: Palette) -> None:
    names = [short(name) for name, _ in steps][::-1]
    bars = axes.barh(range(len(names)), [count for _, count in steps][::-1], color=colours.after, height=0.6)
    axes.bar_label(bars, padding=4)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(right=1.15 * max(1, *(count for _, count in steps)))
    axes.grid(visible=False, axis="y")


def _categories(categories: Mapping[str, Mapping[str, int]], axes: "Axes", colours: Palette) -> None:
    names = sorted(categories, reverse=True)
    for shift, what, colour in ((0.2, "right", colours.before), (-0.2, "kept", colours.after)):
        places = [place + shift for place in range(len(names))]
        axes.barh(places, [categories[name][what] for name in names], color=colour, height=0.36, label=what)
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.set_xlabel("candidates")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _speedups(speedup: Mapping[str, Any], axes: "Axes", colours: Palette) -> None:
    edges = speedup["edges"]
    slower = [high <= 1 for high in edges[1:]] + [False]
    places = range(len(edges))
    axes.bar(places, speedup["histogram"], width=1, align="edge", edgecolor="white",
             color=[colours.before if below else colours.after for below in slower])  # fmt: skip
    axes.set_xticks(places, [f"{edge:g}" for edge in edges])
    axes.set_xlabel("times as fast as eager PyTorch")
    axes.set_ylabel("samples")
    axes.grid(visible=False, axis="x")
