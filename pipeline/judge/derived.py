"""Settings made from a task's own sizes: smaller ones where these are too large, odd, small and tiny ones.

They are made as long as the reference accepts them and its outputs keep their ranks. Which sizes exactly, the run's
secret decides, so that no kernel can be made for them: see ``drawing``.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.judge.drawing import (
    FINE_SIZE,
    Draw,
    Sizes,
    Taken,
    aligned_sizes,
    alike,
    apart,
    few_sizes,
    more_sizes,
    odd_sizes,
    small_sizes,
    tiny_sizes,
)
from pipeline.judge.measurement import Measure, why_not
from pipeline.judge.sizes import sizes_in, sizes_of
from pipeline.judge.written_sizes import ARGUMENTS, INPUTS, written_in, written_sizes
from pipeline.records import Setting

SMALLEST_SIZE = 8  # smaller integers are kernel widths, strides, dimensions: not sizes that may be changed
FACTORS = tuple(2**exponent for exponent in range(16, 0, -1))
LEAST_REDUCED = (16, 4)  # no size is divided to less than this, or than itself; the second one if the first won't do
DERIVED_SECONDS = 0.5  # what one call at a derived setting may cost, by the estimate
UNEVEN = 4  # of two ways to make a setting smaller, so many times as much is needed for one that spares some sizes
LONG_SECONDS = 0.04  # the same of one at which a size is not reduced
LONGEST = 2**15  # that size: each thread costs something, however little there is to do for it
KINDS: dict[str, Sizes] = {"odd": odd_sizes, "small": small_sizes, "tiny": tiny_sizes}
# Of numbers below ``SMALLEST_SIZE`` that are written into a shape: dimensions, whatever they are.
KINDS_OF_FEW: dict[str, Sizes] = {"odd": more_sizes, "small": few_sizes}


@dataclass(frozen=True)
class Reduction:
    """A setting whose sizes are those of the task by ``factor``, and its work."""

    setting: Setting
    factor: int
    work: int


class Derivation:
    """Settings made from a task's sizes."""

    def __init__(
        self,
        tree: ast.Module,
        measure: Measure,
        ranks: tuple[int, ...],
        seconds: float,
        max_bytes: int,
        draw: Draw,
    ) -> None:
        self._measure = measure
        self._ranks = ranks
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._draws = (draw, Draw(draw.task_id))  # where the reference refuses what is drawn, what is not may do
        self.work: dict[str, int] = {}
        own = sizes_of(tree)
        inputs, init = sizes_in(tree, INPUTS), sizes_in(tree, ARGUMENTS)
        self._sizes = {name: size for name, size in own.items() if size >= SMALLEST_SIZE}
        self._in_constructor = init & self._sizes.keys()
        self._arguments = written_in(tree, ARGUMENTS)
        self._groups = _grouped(list(self._sizes), inputs, init)
        self._few = {name: own[name] for name, _ in written_sizes(tree) if own[name] < SMALLEST_SIZE}
        self._groups_of_few = _grouped(list(self._few), inputs, init)

    def reduced(self) -> list[Setting]:
        """Return a smaller setting that can be afforded, then others made from it; or nothing."""
        for seconds in (DERIVED_SECONDS, self._seconds):
            for least in LEAST_REDUCED:
                if found := self._reduction(least, seconds):
                    self.work[found.setting.name] = found.work
                    main = self._varied(found.setting)
                    return [main, *self.others(main.sizes)]
        return []

    def _varied(self, setting: Setting) -> Setting:
        """Return the setting with others in the place of its reduced sizes, if the reference accepts them."""
        less = {name: size for name, size in setting.sizes.items() if size < self._sizes[name]}
        drawn = {**setting.sizes, **alike(setting.name, aligned_sizes, less, self._draws[0])}
        if drawn == setting.sizes:
            return setting
        return self._first_usable([Setting(name=setting.name, sizes=drawn)]) or setting

    def _reduction(self, least: int, seconds: float) -> Reduction | None:
        """Return the reduction of the first group that has one.

        Where it changes sizes of the constructor it has to change all that matter, or a product of 128 by 32768 by
        32768 becomes one of 16 by 64 by 32768: hardly a sum, and half a million of them.
        """
        found: Reduction | None = None
        for group in self._groups:
            other = self._largest_affordable(group, least, seconds)
            if other and (found is None or found.factor >= UNEVEN * other.factor):
                found = other
            if found and not self._in_constructor.intersection(group):
                break
        return found

    def _largest_affordable(self, group: list[str], least: int, seconds: float) -> Reduction | None:
        """Return the largest of the reductions of a group, tried from the smallest up: those cost little to try."""
        fitting: list[Reduction] = []
        tried: list[dict[str, int]] = []
        for factor in FACTORS:
            sizes = {name: _divided(self._sizes[name], factor, least) for name in group}
            if sizes in tried:
                continue
            tried.append(sizes)
            setting = Setting(name="reduced", sizes=sizes)
            (measurement,) = self._measure([setting])
            if measurement.error is None and why_not(measurement, seconds, self._max_bytes):
                break
            if measurement.error is None and measurement.ranks == (self._ranks or measurement.ranks):
                fitting.append(Reduction(setting, factor, measurement.work))
        return next((found for found in reversed(fitting) if self._runs(found.setting)), None)

    def others(self, base: Mapping[str, int]) -> list[Setting]:
        """Return an odd, a small and a tiny setting from the sizes ``base``, as far as the reference accepts them.

        Equal sizes differ there, as far as it accepts that.
        """
        found: list[Setting] = []
        groups = _in_order(self._groups, {**self._sizes, **base}, self._arguments)
        groups_of_few = _in_order(self._groups_of_few, self._few, self._arguments)
        for name, of in KINDS.items():
            if name == "tiny":  # as a small one where no size is large
                groups = [group for group in groups if max(group.values()) > FINE_SIZE]
            had = [setting.sizes for setting in found]
            proposals = self._proposals(name, of, groups, had)
            if name in KINDS_OF_FEW:
                proposals += self._proposals(name, KINDS_OF_FEW[name], groups_of_few, had)
            unlike = [{**base, **p} for p in proposals if {**base, **p} not in had]
            called = f"reduced_{name}" if base else name
            setting = self._first_usable([Setting(name=called, sizes=sizes) for sizes in unlike])
            found += [setting] if setting else []
        return found

    def long(self, settings: Sequence[Setting]) -> Setting | None:
        """Return a setting at which one size is the task's own, and the others those of the last one given.

        A kernel that has room for some thousand columns only, or leaves out what is beyond, is right at all others.
        Which size, each run draws anew; not the first one, which mostly is that of a batch, or of rows: there is one
        block for each, and many blocks of threads take long.

        Args:
            settings: what ``reduced`` has returned.
        """
        if not settings:
            return None
        main, last = settings[0].sizes, settings[-1].sizes
        less = [name for name, size in self._sizes.items() if main.get(name, size) < size <= LONGEST]
        inner = [name for name in less if name != next(iter(self._sizes))] or less
        first = self._draws[0]("long") % max(1, len(inner))
        for name in (*inner[first:], *inner[:first]):
            setting = Setting(name=f"long_{name}", sizes={**last, name: self._sizes[name]})
            (measurement,) = self._measure([setting])
            fits = why_not(measurement, LONG_SECONDS, self._max_bytes) is None
            if fits and measurement.ranks == (self._ranks or measurement.ranks) and self._runs(setting):
                self.work[setting.name] = measurement.work
                return setting
        return None

    def _proposals(self, kind: str, of: Sizes, groups: list[dict[str, int]], had: Taken) -> list[dict[str, int]]:
        """Return sizes of a kind for each of the groups, different ones and equal ones."""
        found: list[dict[str, int]] = []
        for group in groups:
            for draw in self._draws:
                found += [apart(kind, of, group, draw, had), alike(kind, of, group, draw)]
        return found

    def _first_usable(self, proposals: list[Setting]) -> Setting | None:
        proposals = [p for i, p in enumerate(proposals) if p.sizes and p not in proposals[:i]]
        for setting in proposals:
            (measurement,) = self._measure([setting])
            fits = why_not(measurement, self._seconds, self._max_bytes) is None
            if fits and measurement.ranks == (self._ranks or measurement.ranks) and self._runs(setting):
                self.work[setting.name] = measurement.work
                return setting
        return None

    def _runs(self, setting: Setting) -> bool:
        """Return whether the reference accepts it with values: the meta device leaves out some checks of shapes."""
        (measurement,) = self._measure([setting], computed=True)
        return measurement.error is None


def _grouped(sizes: list[str], inputs: set[str], init: set[str]) -> list[list[str]]:
    """Return which sizes to change together, the fewest first.

    Those of the inputs alone are free; those that the constructor takes too may have to fit each other.
    """
    groups = [[n for n in sizes if n in inputs - init], [n for n in sizes if n in inputs], sizes]
    return [group for index, group in enumerate(groups) if group and group not in groups[:index]]


def _in_order(groups: list[list[str]], sizes: Mapping[str, int], arguments: set[str]) -> list[dict[str, int]]:
    """Return the groups with their sizes: all first, at last each size by itself.

    Numbers among the constructor's arguments are changed only where the others are refused without them: whether an
    input that is within 0 and 40 belongs to an argument of 40, nothing says.
    """
    free: list[list[str]] = []
    for group in reversed(groups):
        left = [name for name in group if name not in arguments]
        free += [left] if left and left not in free else []
    single = [[name] for name in free[0]] if free else []
    every = [group for group in groups[-1:] if arguments.intersection(group)]
    return [{name: sizes[name] for name in group} for group in (*free, *every, *single)]


def _divided(size: int, factor: int, least: int) -> int:
    return max(size // factor, min(size, least))
