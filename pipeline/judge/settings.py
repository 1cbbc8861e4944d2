"""At which sizes a candidate is judged: those of the task's settings that this machine can afford, or derived ones.

A benchmark's own sizes can be far more than a CPU can do. The cost of a setting is estimated by running the reference
on torch's meta device, which computes shapes only. Where the task's own sizes are too much, or no others are given,
they are derived from the task's: see ``derived``.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from pipeline.judge.derived import SMALLEST_SIZE, Derivation
from pipeline.judge.drawing import Draw
from pipeline.judge.measurement import Measure, why_not
from pipeline.judge.sizes import sizes_of, told
from pipeline.judge.written_sizes import written_sizes
from pipeline.python_syntax import parse
from pipeline.records import Setting, Task

CALLS_PER_SETTING = 6
SURELY_SMALL = 2**22  # a product of all sizes up to this needs no measuring: the work is some small multiple of it


@dataclass(frozen=True)
class Plan:
    """The settings to judge at, the main one first, and why others are left out.

    ``own`` says whether the main one is the task's own, and where it is not, ``long`` may be a further one, with
    one size of the task's own; ``work`` holds estimates by the settings' names.
    """

    settings: tuple[Setting, ...]
    own: bool
    work: Mapping[str, int]
    left_out: Mapping[str, str]
    long: Setting | None = None

    def told(self, reference: str) -> dict[str, str]:
        """Return all sizes of a task at each of the settings, as a person reads them."""
        own = _own_sizes(reference)
        used = self.settings if self.long is None else (*self.settings, self.long)
        return {setting.name: told({**own, **setting.sizes}) for setting in used}


@lru_cache(maxsize=64)
def _own_sizes(reference: str) -> dict[str, int]:
    return sizes_of(parse(reference))


def choose(task: Task, measure: Measure, seconds: float, max_bytes: int, key: bytes | None = None) -> Plan:
    """Return the settings at which a candidate of this task is judged.

    Args:
        task: its settings come first, in their order; the first is its own.
        measure: runs the reference at each of the settings.
        seconds: of work that a candidate may cost here, by the estimate.
        max_bytes: of one call.
        key: what the derived sizes are drawn with; without one they follow from the task's own.
    """
    tree = parse(task.reference)
    as_given = Plan(task.settings, own=True, work={}, left_out={})
    alone, small = len(task.settings) == 1, _largest_product(task, tree) <= SURELY_SMALL
    if small and not alone:
        return as_given
    measured = measure(task.settings)
    if small and measured[0].error is not None:  # it may look at values, which are nowhere on the meta device
        measure = partial(measure, computed=True)
        measured = measure(task.settings)
    if measured[0].error is not None:  # broken, or not to be measured: running it will tell
        return as_given
    seconds /= CALLS_PER_SETTING
    left_out: dict[str, str] = {}
    usable: list[Setting] = []
    for setting, measurement in zip(task.settings, measured, strict=True):
        why = why_not(measurement, seconds, max_bytes)
        if why:
            left_out[setting.name] = why
        else:
            usable.append(setting)
    derived = Derivation(tree, measure, measured[0].ranks, seconds, max_bytes, Draw(task.id, key))
    own = task.settings[0].name not in left_out
    long: Setting | None = None
    if not own:
        reduced = derived.reduced()
        usable, long = [*reduced, *usable], derived.long(reduced)
    elif len(usable) == 1:
        usable += derived.others({})
    work = {setting.name: m.work for setting, m in zip(task.settings, measured, strict=True)} | derived.work
    return Plan(tuple(usable), own, work, left_out, long)


def _largest_product(task: Task, tree: ast.Module) -> int:
    """Return the product of all sizes, at the setting where it is largest; a 0 (a switch, an index) is no size.

    What a function that makes the inputs has as plain numbers counts too, up to those that are dimensions.
    """
    own = sizes_of(tree)
    written = {id(node) for _, node in written_sizes(tree)}
    bodies = (part for node in tree.body if isinstance(node, ast.FunctionDef) for part in node.body)
    constants = (n for part in bodies for n in ast.walk(part) if isinstance(n, ast.Constant))
    literals = [n.value for n in constants if id(n) not in written]
    fixed = math.prod(n for n in literals if type(n) is int and n >= SMALLEST_SIZE)
    settings = ({**own, **setting.sizes} for setting in task.settings)
    return fixed * max(math.prod(max(1, abs(size)) for size in sizes.values()) for sizes in settings)


def fixed_sizes(reference: str, code: str) -> str:
    """Return which of the task's own sizes the candidate's text holds as numbers; an empty string if none."""
    sizes = {size for size in sizes_of(parse(reference)).values() if size > SMALLEST_SIZE}
    numbers = {int(word) for word in _words(code) if word.isdecimal() and len(word) < 12}
    return ", ".join(map(str, sorted(sizes & numbers)))


def _words(code: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in code).split()
