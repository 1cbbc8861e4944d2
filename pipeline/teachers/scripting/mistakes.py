"""The mistakes that the scripted teacher makes: those that people and models make in short kernels."""

import random
import re
from dataclasses import dataclass, replace

from pipeline.teachers.scripting.kernels import BARRIER, GUARD, write_module
from pipeline.teachers.scripting.plan import Plan
from pipeline.teachers.scripting.values import differ

# What a constant is mistaken for; any other one is halved.
MISTAKEN = {
    "0.044715f": "0.44715f", "0.70710678f": "0.5f", "0.79788456f": "0.5f", "0.1f": "0.01f", "0.2f": "0.02f",
    "0.5f": "1.5f", "1.5f": "0.5f", "3.0f": "2.0f", "1.6732632f": "1.0f",
}  # fmt: skip
_LITERAL = re.compile(r"\b\d+\.\d+f")


@dataclass(frozen=True)
class Draft:
    """A module, the plan that it follows, and the mistake in it, if any.

    ``belief`` is what the writer of the mistake thinks; it goes into the reasoning.
    """

    plan: Plan
    code: str
    mistake: str | None = None
    belief: str | None = None


def write_right(plan: Plan) -> Draft:
    """Return the module without a mistake."""
    return Draft(plan, write_module(plan))


def write_wrong(plan: Plan, rng: random.Random) -> Draft:
    """Return the module with one mistake, drawn from those that make a difference here."""
    makers = [_missing_guard, _missing_barrier, _wrong_order, _wrong_constant, _syntax_error]
    rng.shuffle(makers)
    return next(draft for draft in (maker(plan, rng) for maker in makers) if draft is not None)


def _missing_guard(plan: Plan, _: random.Random) -> Draft | None:
    code = write_module(plan)
    if GUARD not in code:
        return None
    belief = "The sizes are multiples of the block size, so every thread has an element and no guard is needed."
    return Draft(plan, code.replace(GUARD, ""), "missing_guard", belief)


def _missing_barrier(plan: Plan, rng: random.Random) -> Draft | None:
    code = write_module(plan)
    places = [match.span() for match in re.finditer(rf" *{re.escape(BARRIER)}", code)]
    if not places:
        return None
    start, end = rng.choice(places)
    belief = "The threads of a block run together, so there is no need for a barrier after every step."
    return Draft(plan, code[:start] + code[end:], "missing_barrier", belief)


def _wrong_order(plan: Plan, rng: random.Random) -> Draft | None:
    places = list(range(len(plan.steps) - 1))
    rng.shuffle(places)
    for i in places:
        before, first, second, after = plan.steps[:i], plan.steps[i], plan.steps[i + 1], plan.steps[i + 2 :]
        wrong = replace(plan, steps=(*before, second, first, *after))
        if differ(plan, wrong):
            belief = f"{second.label} and {first.label} are both cheap, so I write {second.label} first."
            return Draft(wrong, write_module(wrong), "wrong_order", belief)
    return None


def _wrong_constant(plan: Plan, rng: random.Random) -> Draft | None:
    places = [
        (i, m)
        for i, step in enumerate(plan.steps)
        for m in _LITERAL.finditer(step.code)
        if m[0] not in ("0.0f", "1.0f")
    ]
    rng.shuffle(places)
    for i, match in places:
        step = plan.steps[i]
        constant = MISTAKEN.get(match[0], f"{float(match[0][:-1]) / 2!r}f")
        code = step.code[: match.start()] + constant + step.code[match.end() :]
        wrong = replace(plan, steps=(*plan.steps[:i], replace(step, code=code), *plan.steps[i + 1 :]))
        if differ(plan, wrong):
            belief = f"For {step.label} I remember the constant {constant[:-1]}."
            return Draft(wrong, write_module(wrong), "wrong_constant", belief)
    return None


def _syntax_error(plan: Plan, rng: random.Random) -> Draft:
    code, first = write_module(plan), plan.inputs[0]
    lines = [*(step.code for step in plan.steps), f"return {first};"]
    if rng.random() < 0.5:
        line = rng.choice(lines)
        wrong = code.replace(f"    {line}\n", f"    {line[:-1]}\n", 1)
    else:
        wrong = code.replace(f"    return {first};\n", "    return result;\n", 1)
    return Draft(plan, wrong, "syntax_error", "The code is short, so I write it down without reading it again.")
