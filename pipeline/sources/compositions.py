"""A task's operators, drawn at random, and the module text that they give."""

import random
from dataclasses import dataclass
from typing import Literal

from pipeline.records import Setting
from pipeline.sources.operators import ACTIVATIONS, ADD_BIAS, JOINS, ON_SECOND, REDUCTIONS, SOFTMAXES, UNARY, Operator

Category = Literal["elementwise", "binary", "reduction", "softmax", "bias_activation"]

# Sizes: the task's own (at most 16K elements, so that emulating a kernel on a CPU stays cheap), odd ones that are no
# multiple of a warp or a block and in part wider than a block, and small ones.
OWN_VECTOR, ODD_VECTOR, SMALL_VECTOR = (2048, 4096, 8192, 10000, 16384), (1009, 4099, 9973), (33, 50, 100)
OWN_MATRIX = ((16, 128), (16, 512), (32, 256), (48, 200), (64, 64), (64, 256), (128, 96))
ODD_MATRIX, SMALL_MATRIX = ((37, 251), (13, 509), (61, 127), (29, 331)), ((1, 33), (3, 11), (2, 17))
# Narrower, because a softmax over many columns is near zero everywhere; but wider than a block of 128 at times.
OWN_SOFTMAX, ODD_SOFTMAX = ((64, 32), (128, 64), (96, 48), (200, 40)), ((37, 61), (61, 43), (29, 131), (13, 149))
SMALL_REDUCTION = ((3, 11), (2, 17), (4, 33))  # more than one row: a single mean may be near zero by chance


@dataclass(frozen=True)
class Composition:
    """The statements of a ``forward``, each with the variable that it changes, and what makes the inputs."""

    category: Category
    steps: tuple[tuple[str, Operator], ...]
    inputs: tuple[str, ...]
    generator: Literal["randn", "rand"]

    @property
    def lines(self) -> tuple[str, ...]:
        """The statements; with the category they say what the task computes."""
        return tuple(operator.line(variable) for variable, operator in self.steps)

    @property
    def sequence(self) -> tuple[str, ...]:
        """The category and the operators' names in order, whatever their constants."""
        return (self.category, *(f"{variable}.{operator.name}" for variable, operator in self.steps))


def draw(category: Category, rng: random.Random) -> Composition:
    """Return a random composition; ``soundness.is_sound`` tells whether it makes a task."""
    count = rng.choices((1, 2, 3, 4, 5), (8, 22, 30, 25, 15))[0]
    steps: list[tuple[str, Operator]]
    if category == "elementwise":
        steps = _chain(rng, count)
    elif category == "binary":
        before = _chain(rng, rng.randint(0, 1)) + [("y", rng.choice(ON_SECOND))] * rng.randint(0, 1)
        steps = [*before, ("x", rng.choice(JOINS)), *_chain(rng, rng.randint(0 if before else 1, 2))]
    elif category == "reduction":
        steps = [*_chain(rng, min(count, 4)), ("x", rng.choice(REDUCTIONS))]
    elif category == "softmax":
        steps = [*_chain(rng, min(count, 4)), ("x", rng.choice(SOFTMAXES))]
    else:
        before = _chain(rng, 1) if rng.random() < 0.25 else []
        steps = [*before, ("x", ADD_BIAS), ("x", rng.choice(ACTIVATIONS)), *_chain(rng, rng.randint(0, 2))]
    inputs = ("x", "y") if category == "binary" else ("x",)
    return Composition(category, tuple(steps), inputs, "rand" if rng.random() < 0.15 else "randn")


def _chain(rng: random.Random, length: int) -> list[tuple[str, Operator]]:
    return [("x", rng.choice(UNARY)) for _ in range(length)]


def draw_sizes(category: Category, rng: random.Random) -> tuple[dict[str, int], tuple[Setting, ...]]:
    """Return the module's sizes and the settings: its own, an odd one and a small one."""
    drawn: list[dict[str, int]]
    if category in ("elementwise", "binary") and rng.random() < 0.4:
        drawn = [{"SIZE": rng.choice(sizes)} for sizes in (OWN_VECTOR, ODD_VECTOR, SMALL_VECTOR)]
    else:
        matrices = {
            "softmax": (OWN_SOFTMAX, ODD_SOFTMAX, SMALL_MATRIX),
            "reduction": (OWN_MATRIX, ODD_MATRIX, SMALL_REDUCTION),
        }.get(category, (OWN_MATRIX, ODD_MATRIX, SMALL_MATRIX))
        drawn = [{"ROWS": rows, "COLS": columns} for rows, columns in map(rng.choice, matrices)]
    own, odd, small = drawn
    return own, (Setting(name="own"), Setting(name="odd", sizes=odd), Setting(name="small", sizes=small))


def module_text(composition: Composition, sizes: dict[str, int]) -> str:
    """Return the KernelBench module: sizes, ``Model``, ``get_inputs`` and ``get_init_inputs``."""
    shape = ", ".join(sizes)
    inputs = ", ".join(f"torch.{composition.generator}({shape})" for _ in composition.inputs)
    constants = "\n".join(f"{name} = {value}" for name, value in sizes.items())
    statements = "\n".join(f"        {line}" for line in composition.lines)
    has_bias = composition.category == "bias_activation"
    return f"""\
import torch
import torch.nn as nn
import torch.nn.functional as F

{constants}


class Model(nn.Module):
    def __init__(self{", columns" if has_bias else ""}):
        super().__init__()
{"        self.bias = nn.Parameter(torch.randn(columns))" + chr(10) if has_bias else ""}
    def forward(self, {", ".join(composition.inputs)}):
{statements}
        return x


def get_inputs():
    return [{inputs}]


def get_init_inputs():
    return [{"COLS" if has_bias else ""}]
"""
