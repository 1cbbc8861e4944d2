"""At which sizes a candidate is judged: those of the task's settings that this machine can afford, or derived ones.

A benchmark's own sizes can be far more than a CPU can do. The cost of a setting is estimated by running the reference
on torch's meta device, which computes shapes only. Where the task's own sizes are too much, or no others are given,
the module-level sizes are made smaller, odd and small, as long as the reference accepts them and its outputs keep
their ranks. Which sizes exactly, the run's secret decides, so that no kernel can be made for them: see ``drawing``.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.judge.drawing import FINE_SIZE, Draw, aligned_sizes, alike, apart, odd_sizes, small_sizes, tiny_sizes
from pipeline.judge.sizes import sizes_of, told
from pipeline.python_syntax import parse
from pipeline.records import Setting, Task

SMALLEST_SIZE = 8  # smaller integers are kernel widths, strides, dimensions: not sizes that may be changed
FACTORS = tuple(2**exponent for exponent in range(16, 0, -1))
LEAST_REDUCED = (16, 4)  # no size is divided to less than this, or than itself; the second one if the first won't do
SECONDS_PER_OPERATION = 1e-8  # of this backend, measured: an element read, computed and written, or a multiply-add
CALLS_PER_SETTING = 5
SURELY_SMALL = 2**22  # a product of all sizes up to this needs no measuring: the work is some small multiple of it
DERIVED_SECONDS = 0.5  # what one call at a derived setting may cost, by the estimate
KINDS = (("odd", odd_sizes), ("small", small_sizes), ("tiny", tiny_sizes))
UNEVEN = 4  # of two ways to make a setting smaller, so many times as much is needed for one that spares some sizes


@dataclass(frozen=True)
class Measurement:
    """What one run of the reference takes.

    Attributes:
        work: elements that its operators write, plus multiply-adds of its products and convolutions.
        bytes: of arguments, weights and results, these in float64 twice besides.
        ranks: of the results; empty where measuring was given up, ``work`` being huge then.
        error: why the reference refuses the setting, None if it does not.
    """

    work: int
    bytes: int
    ranks: tuple[int, ...]
    error: str | None


@dataclass(frozen=True)
class Plan:
    """The settings to judge at, the main one first, and why others are left out.

    ``own`` says whether the main one is the task's own; ``work`` holds estimates by the settings' names.
    """

    settings: tuple[Setting, ...]
    own: bool
    work: Mapping[str, int]
    left_out: Mapping[str, str]

    def told(self, reference: str) -> dict[str, str]:
        """Return all sizes of a task at each of the settings, as a person reads them."""
        own = _own_sizes(reference)
        return {setting.name: told({**own, **setting.sizes}) for setting in self.settings}


@lru_cache(maxsize=64)
def _own_sizes(reference: str) -> dict[str, int]:
    return sizes_of(parse(reference))


@dataclass(frozen=True)
class Reduction:
    """A setting whose sizes are those of the task by ``factor``, and its work."""

    setting: Setting
    factor: int
    work: int


Measure = Callable[[Sequence[Setting]], list[Measurement]]


def choose(task: Task, measure: Measure, seconds: float, max_bytes: int, key: bytes | None = None) -> Plan:
    """Return the settings at which a candidate of this task is judged.

    Args:
        task: its settings come first, in their order; the first is its own.
        measure: runs the reference on the meta device at each of the settings.
        seconds: of work that a candidate may cost here, by the estimate.
        max_bytes: of one call.
        key: what the derived sizes are drawn with; without one they follow from the task's own.
    """
    tree = parse(task.reference)
    as_given = Plan(task.settings, own=True, work={}, left_out={})
    alone = len(task.settings) == 1
    if not alone and _largest_product(task, tree) <= SURELY_SMALL:
        return as_given
    measured = measure(task.settings)
    if measured[0].error is not None:  # broken, or not to be measured: running it will tell
        return as_given
    seconds /= CALLS_PER_SETTING
    left_out: dict[str, str] = {}
    usable: list[Setting] = []
    for setting, measurement in zip(task.settings, measured, strict=True):
        why = _why_not(measurement, seconds, max_bytes)
        if why:
            left_out[setting.name] = why
        else:
            usable.append(setting)
    derived = Derivation(tree, measure, measured[0].ranks, seconds, max_bytes, Draw(task.id, key))
    own = task.settings[0].name not in left_out
    if not own:
        usable = [*derived.reduced(), *usable]
    elif len(usable) == 1:
        usable += derived.others({})
    work = {setting.name: m.work for setting, m in zip(task.settings, measured, strict=True)} | derived.work
    return Plan(tuple(usable), own, work, left_out)


def _largest_product(task: Task, tree: ast.Module) -> int:
    """Return the product of all sizes, at the setting where it is largest; a 0 (a switch, an index) is no size.

    What a function that makes the inputs has as plain numbers counts too, up to those that are dimensions.
    """
    own = sizes_of(tree)
    bodies = (part for node in tree.body if isinstance(node, ast.FunctionDef) for part in node.body)
    literals = [n.value for part in bodies for n in ast.walk(part) if isinstance(n, ast.Constant)]
    fixed = math.prod(n for n in literals if type(n) is int and n >= SMALLEST_SIZE)
    settings = ({**own, **setting.sizes} for setting in task.settings)
    return fixed * max(math.prod(max(1, abs(size)) for size in sizes.values()) for sizes in settings)


def _why_not(measurement: Measurement, seconds: float, max_bytes: int) -> str | None:
    if measurement.error is not None:
        return f"the reference refuses it: {measurement.error}"
    if measurement.bytes > max_bytes or measurement.work * SECONDS_PER_OPERATION > seconds:
        return "too large for this backend's budget"
    return None


class Derivation:
    """Settings made from a task's module-level sizes."""

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
        sizes = {name: size for name, size in sizes_of(tree).items() if size >= SMALLEST_SIZE}
        inputs, init = _names_in(tree, "get_inputs"), _names_in(tree, "get_init_inputs")
        self._sizes = sizes
        self._in_constructor = {n for n in sizes if _base(n) in init}
        # The sizes of the inputs alone are free; those that the constructor takes too may have to fit each other.
        groups = [
            [n for n in sizes if _base(n) in inputs - init],
            [n for n in sizes if _base(n) in inputs],
            list(sizes),
        ]
        self._groups = [group for index, group in enumerate(groups) if group and group not in groups[:index]]

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
        best: Reduction | None = None
        tried: list[dict[str, int]] = []
        for factor in FACTORS:
            sizes = {name: _divided(self._sizes[name], factor, least) for name in group}
            if sizes in tried:
                continue
            tried.append(sizes)
            setting = Setting(name="reduced", sizes=sizes)
            (measurement,) = self._measure([setting])
            if measurement.error is None and _why_not(measurement, seconds, self._max_bytes):
                break
            if measurement.error is None and measurement.ranks == (self._ranks or measurement.ranks):
                best = Reduction(setting, factor, measurement.work)
        return best

    def others(self, base: Mapping[str, int]) -> list[Setting]:
        """Return an odd, a small and a tiny setting from the sizes ``base``, as far as the reference accepts them.

        Equal sizes differ there, as far as it accepts that.
        """
        prefix = "reduced_" if base else ""
        found: list[Setting] = []
        current = {**self._sizes, **base}
        groups = [{n: current[n] for n in group} for group in (*reversed(self._groups), *([n] for n in self._sizes))]
        for name, of in KINDS:
            if name == "tiny":  # as a small one where no size is large
                groups = [group for group in groups if max(group.values()) > FINE_SIZE]
            had = [setting.sizes for setting in found]
            proposals: list[dict[str, int]] = []
            for group in groups:
                for draw in self._draws:
                    proposals += [apart(name, of, group, draw, had), alike(name, of, group, draw)]
            unlike = [{**base, **p} for p in proposals if {**base, **p} not in had]
            setting = self._first_usable([Setting(name=prefix + name, sizes=sizes) for sizes in unlike])
            found += [setting] if setting else []
        return found

    def _first_usable(self, proposals: list[Setting]) -> Setting | None:
        proposals = [p for i, p in enumerate(proposals) if p.sizes and p not in proposals[:i]]
        for setting in proposals:
            (measurement,) = self._measure([setting])
            fits = _why_not(measurement, self._seconds, self._max_bytes) is None
            if fits and measurement.ranks == (self._ranks or measurement.ranks):
                self.work[setting.name] = measurement.work
                return setting
        return None


def _base(name: str) -> str:
    return name.partition("[")[0]


def _names_in(tree: ast.Module, function: str) -> set[str]:
    found = [f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == function]
    return {node.id for f in found for node in ast.walk(f) if isinstance(node, ast.Name)}


def _divided(size: int, factor: int, least: int) -> int:
    return max(size // factor, min(size, least))


def fixed_sizes(reference: str, code: str) -> str:
    """Return which of the task's own sizes the candidate's text holds as numbers; an empty string if none."""
    sizes = {size for size in sizes_of(parse(reference)).values() if size > SMALLEST_SIZE}
    numbers = {int(word) for word in _words(code) if word.isdecimal() and len(word) < 12}
    return ", ".join(map(str, sorted(sizes & numbers)))


def _words(code: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in code).split()
