"""Chains of operators of the full catalogue, drawn at random, and the module text that they give."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.sources.catalogue import CATALOGUE, Axes, FullOperator

LEAST_RANK = 2
MOST_INPUTS = 4
LENGTH_WEIGHTS = {1: 10, 2: 40, 3: 25, 4: 15, 5: 10}
# The axes of the first input, and sizes to choose from; BATCH is set to meet the wanted time.
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "matrix": {"FEATURES": (256, 512, 1024, 2048, 4096)},
    "sequence": {"LENGTH": (64, 128, 256, 512), "FEATURES": (64, 128, 256, 512)},
    "image": {"CHANNELS": (16, 32, 64, 128), "HEIGHT": (32, 48, 64), "WIDTH": (32, 48, 64)},
    "volume": {"CHANNELS": (8, 16, 32), "DEPTH": (8, 16), "HEIGHT": (16, 32), "WIDTH": (16, 32)},
}
RECURRENT_LENGTHS = (16, 32, 48)  # each step is some operators to estimate, and to run in the judge


@dataclass(frozen=True)
class Chain:
    """A first input and the operators applied to it in turn, each with the axes that it finds."""

    shape: str
    steps: tuple[tuple[FullOperator, Axes], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The operators' names in order: what held-out tasks share with no training task."""
        return tuple(operator.name for operator, _ in self.steps)

    @property
    def computes(self) -> tuple[str, ...]:
        """What tells one computation from another, sizes aside."""
        return (self.shape, *(operator.expression + (operator.layer or "") for operator, _ in self.steps))


def draw(family: str, families: Sequence[str], lengths: tuple[int, int], rng: random.Random) -> Chain | None:
    """Return a random chain of the families with an operator of ``family`` in it; None if the draw led nowhere."""
    choices = [n for n in LENGTH_WEIGHTS if lengths[0] <= n <= lengths[1]]
    count = rng.choices(choices, [LENGTH_WEIGHTS[n] for n in choices])[0]
    shape, leading = rng.choice(list(SHAPES)), rng.randrange(count)
    axes: Axes = ("BATCH", *SHAPES[shape])
    steps: list[tuple[FullOperator, Axes]] = []
    for position in range(count):
        wanted = family if position == leading else rng.choice(families)
        previous = steps[-1][0].name if steps else ""
        possible = [o for o in CATALOGUE if o.family == wanted and o.name != previous and fits(o, axes)]
        if not possible:
            return None
        operator = rng.choice(possible)
        steps.append((operator, axes))
        axes = after(operator, axes)
        if len(axes) < LEAST_RANK and position < count - 1:
            return None
    chain = Chain(shape, tuple(steps))
    return chain if sum(o.operand is not None for o, _ in steps) < MOST_INPUTS else None


def draw_sizes(chain: Chain, rng: random.Random) -> dict[str, int]:
    """Return all sizes but BATCH."""
    sizes = {name: rng.choice(values) for name, values in SHAPES[chain.shape].items()}
    if "LENGTH" in sizes and any(operator.family == "recurrent" for operator, _ in chain.steps):
        sizes["LENGTH"] = rng.choice(RECURRENT_LENGTHS)
    return sizes


def module_text(chain: Chain, sizes: Mapping[str, int]) -> str:
    """Return the KernelBench module; ``sizes`` holds the names of the first input's axes in order, BATCH first."""
    layers: list[str] = []
    lines: list[str] = []
    inputs = {"x": f"torch.randn({', '.join(sizes)})"}
    used: list[str] = []
    for number, (operator, axes) in enumerate(chain.steps):
        names = {"C": axes[1] or "", "L": axes[-1] or ""}
        if operator.layer is not None:
            used += [names[key] for key in ("C", "L") if f"{{{key}}}" in operator.layer]
            made = operator.layer.format(**{key: name.lower() for key, name in names.items()})
            layers.append(f"        self.{operator.name}{number} = {made}")
        operand = f"y{number}"
        if operator.operand is not None:
            inputs[operand] = _operand(operator.operand, axes)
        expression = operator.expression.format(x="x", y=operand, w=f"{operator.name}{number}", **names)
        lines.append(f"        x = {expression}")
    init = list(dict.fromkeys(used))
    constants = "\n".join(f"{name} = {value}" for name, value in sizes.items())
    return f"""\
import torch
import torch.nn as nn
import torch.nn.functional as F

{constants}


class Model(nn.Module):
    def __init__({", ".join(["self", *(name.lower() for name in init)])}):
{_block(["        super().__init__()", *layers])}

    def forward(self, {", ".join(inputs)}):
{_block(lines)}
        return x


def get_inputs():
    return [{", ".join(inputs.values())}]


def get_init_inputs():
    return [{", ".join(init)}]
"""


def _block(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _operand(kind: str, axes: Axes) -> str:
    """Return the expression that makes a further input for a value with these axes."""
    match kind:
        case "same":
            return f"torch.randn({', '.join(map(str, axes))})"
        case "row":
            return f"torch.randn({axes[-1]})"
        case "column":
            return f"torch.randn({', '.join([str(axes[0]), *('1' for _ in axes[1:])])})"
        case "classes":
            return f"torch.randint(0, {axes[1]}, ({axes[0]},))"
        case _:
            return f"torch.randint(0, {axes[0]}, ({axes[0]},))"


def after(operator: FullOperator, axes: Axes) -> Axes:
    """Return the axes of an operator's result."""
    match operator.effect:
        case "keeps":
            return axes
        case "resizes":
            return (*axes[:2], *(None for _ in axes[2:]))
        case "resizes_last":
            return (*axes[:-1], None)
        case "drops_last":
            return axes[:-1]
        case "drops_1":
            return (axes[0], *axes[2:])
        case "drops_spatial":
            return axes[:2]


def fits(operator: FullOperator, axes: Axes) -> bool:
    """Whether an operator can take a value with these axes."""
    text = f"{operator.layer or ''}{operator.expression}"
    if len(axes) not in operator.ranks or ("{C}" in text and axes[1] is None) or ("{L}" in text and axes[-1] is None):
        return False
    if operator.operand == "same":
        return None not in axes
    return operator.operand not in ("row", "classes") or axes[-1] is not None
