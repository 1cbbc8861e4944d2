"""Plots: SVG text for a page, in the page's own colours, so that they follow its dark mode, or PNG bytes."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Palette(NamedTuple):
    """The colours of text, lines, and of the two things compared."""

    ink: str
    grid: str
    before: str
    after: str


# Drawn in these colours, which nothing else has, then replaced by the page's own: a style sheet can't know the data.
PAGE = Palette("#010203", "#010204", "#010205", "#010206")
PAPER = Palette("#5f6773", "#e3e1da", "#b86a3c", "#2f6f8f")  # for images: a white page
INK, GRID, BEFORE, AFTER = PAGE
_PAGE_COLOURS = {INK: "var(--muted)", GRID: "var(--line)", BEFORE: "var(--before)", AFTER: "var(--after)"}
MAX_NAME = 22  # characters of a category or model: longer ones leave no room for what they name
WIDTH, HEIGHT = 4.4, 2.7  # inches: the text is still readable where the page is 390 pixels wide
DASHES = ("-", (0, (6, 2)), (0, (3, 2)), (0, (1, 1.5)))
DPI = 160  # of images: sharp on a screen, and some 30 kB each
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "report",  # the same data give the same bytes
    "font.size": 10,
    "font.family": "sans-serif",
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.7,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


def reasoning_lengths(lengths: Mapping[str, Any]) -> str:
    """Return the histogram of right and wrong candidates, each as shares of its own group, with their medians."""
    return svg(lambda axes: draw_reasoning_lengths(axes, lengths, PAGE), HEIGHT)


def draw_reasoning_lengths(axes: "Axes", lengths: Mapping[str, Any], colours: Palette) -> None:
    """Draw what ``reasoning_lengths`` returns."""
    edges = lengths["edges"]
    for name, colour in (("wrong", colours.before), ("right", colours.after)):
        group = lengths[name]
        if group["n"]:
            shares = [100 * count / group["n"] for count in group["histogram"]]
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.25)
            axes.stairs(shares, edges, color=colour, linewidth=1.6, label=f"{name} (median {group['median']:g})")
            axes.axvline(group["median"], color=colour, linewidth=1.2, linestyle="--")
    axes.set_xlabel("words and marks of reasoning")
    axes.set_ylabel("% of the group")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def pass_by_category(models: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return pass@1 per category, one line of dots with intervals per model.

    Args:
        models: model -> category -> {mean, low, high}.
    """
    categories = sorted({category for shares in models.values() for category in shares}, reverse=True)
    colours = dict(zip(models, (BEFORE, AFTER) if len(models) <= 2 else _shades(len(models)), strict=False))

    def draw(axes: "Axes") -> None:
        for index, (model, shares) in enumerate(models.items()):
            offset = 0.3 * (index - (len(models) - 1) / 2)
            places = [position - offset for position, category in enumerate(categories) if category in shares]
            found = [shares[category] for category in categories if category in shares]
            means = [100 * share["mean"] for share in found]
            reach = [
                [100 * max(0.0, share["mean"] - share["low"]) for share in found],
                [100 * max(0.0, share["high"] - share["mean"]) for share in found],
            ]
            axes.errorbar(
                means,
                places,
                xerr=reach,
                fmt="o",
                color=colours[model],
                markersize=5,
                linewidth=1.8,
                label=short(model),
            )
        axes.set_yticks(range(len(categories)), [short(category) for category in categories])
        axes.set_ylim(-0.6, len(categories) - 0.4)
        axes.set_xlim(-3, 103)
        axes.set_xlabel("pass@1, %")
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(models))

    return svg(draw, max(HEIGHT, 0.45 * len(categories) + 1.1))


def curves(lines: Mapping[str, Mapping[int, float] | Mapping[float, float]], across: str, up: str) -> str:
    """Return one line of shares per model.

    Args:
        lines: model -> x -> share.
        across: label of x.
        up: label of the shares, which are drawn in per cent.
    """
    from matplotlib.ticker import MaxNLocator

    colours = dict(zip(lines, (BEFORE, AFTER) if len(lines) <= 2 else _shades(len(lines)), strict=False))

    def draw(axes: "Axes") -> None:
        for index, (model, points) in enumerate(lines.items()):
            shares = [100 * share for share in points.values()]
            mark = "o" if len(points) <= 16 else None
            style = "-" if len(lines) <= 2 else DASHES[index % len(DASHES)]  # lines that lie on each other show
            drawn: dict[str, Any] = {"color": colours[model], "marker": mark, "linestyle": style}
            axes.plot(list(points), shares, linewidth=1.6, label=short(model), **drawn)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(-3, 103)
        whole = all(x == int(x) for points in lines.values() for x in points)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=whole))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(lines) if len(lines) < 4 else 2)

    return svg(draw, HEIGHT)


def differences(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return a dot with its interval per pair of models, in percentage points around zero."""
    pairs = [*found][::-1]

    def draw(axes: "Axes") -> None:
        for place, pair in enumerate(pairs):
            mean, low, high = (100 * found[pair][name] for name in ("mean", "low", "high"))
            reach = [[max(0.0, mean - low)], [max(0.0, high - mean)]]
            axes.errorbar([mean], [place], xerr=reach, fmt="o", color=AFTER, markersize=5, linewidth=1.8)
        axes.axvline(0, color=BEFORE, linewidth=1.2, linestyle="--")
        axes.set_yticks(range(len(pairs)), [pair.replace(" minus ", "\n- ") for pair in pairs])
        axes.set_ylim(-0.6, len(pairs) - 0.4)
        axes.set_xlabel("points of right answers")
        axes.grid(visible=False, axis="y")

    return svg(draw, max(1.6, 0.55 * len(pairs) + 0.8))


def training_loss(steps: Sequence[int], losses: Sequence[float]) -> str:
    """Return the loss over the optimizer's steps, logarithmic where it falls by more than a factor of twenty."""
    from matplotlib.ticker import LogLocator, NullFormatter

    def draw(axes: "Axes") -> None:
        axes.plot(steps, losses, color=AFTER, linewidth=1.6)
        if min(losses) > 0 and max(losses) > 20 * min(losses):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")  # matplotlib's own is mathematical markup, which no page shows
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(bottom=0)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")

    return svg(draw, HEIGHT)


def short(name: str) -> str:
    """Return a name in words, cut to ``MAX_NAME`` characters."""
    name = name.replace("_", " ")
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def _shades(n: int) -> Iterator[str]:
    return iter([BEFORE, AFTER, *(f"C{index}" for index in range(1, n - 1))])


def svg(draw: Callable[["Axes"], None], height: float) -> str:
    """Return what ``draw`` puts on its axes as an SVG element that takes the width it is given."""
    with _figure(height, PAGE) as (figure, axes):
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    for drawn, shown in _PAGE_COLOURS.items():
        text = text.replace(drawn, shown)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;]*;", "", text)
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)


def png(draw: Callable[["Axes", Palette], None], height: float) -> bytes:
    """Return what ``draw`` puts on its axes as a PNG image on white; the same drawing gives the same bytes."""
    with _figure(height, PAPER) as (figure, axes):
        draw(axes, PAPER)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


@contextmanager
def _figure(height: float, colours: Palette) -> Iterator[tuple[Any, "Axes"]]:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    coloured: dict[Any, Any] = dict.fromkeys(
        ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), colours.ink
    )
    coloured |= {"axes.edgecolor": colours.grid, "grid.color": colours.grid}
    with mpl.rc_context(STYLE | coloured), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's font has it
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.add_subplot()
