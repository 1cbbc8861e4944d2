"""What the scripted teacher says it thinks: a short text, or a long one that checks, compares and doubts itself.

Both name the operators in order, one a line; the rest depends on the plan too, so that a trace tells something
about its task.
"""

import random

from pipeline.teachers.scripting.mistakes import Draft
from pipeline.teachers.scripting.plan import Plan
from pipeline.teachers.scripting.values import trace

MORE_PARTS = (3, 5)  # how many parts a long text adds, at least and at most


def write_short(draft: Draft) -> str:
    """Return the operators in order, the plan for the threads, and the one danger."""
    return "\n".join([*_operators(draft.plan), *_threads(draft.plan), draft.belief or _danger(draft.plan)])


def write_long(draft: Draft, rng: random.Random) -> str:
    """Return the short text with checks, alternatives and second thoughts: two to four times as long."""
    plan = draft.plan
    parts = [*_about_steps(plan), *(ABOUT_ROWS if plan.row_operator else ABOUT_ELEMENTS)]
    chosen = [parts[i] for i in sorted(rng.sample(range(len(parts)), min(rng.randint(*MORE_PARTS), len(parts))))]
    return "\n\n".join(["\n".join([*_operators(plan), *_threads(plan)]), *chosen, draft.belief or _danger(plan)])


def _operators(plan: Plan) -> list[str]:
    row = [f"- {plan.row_operator} of each row"] if plan.row_operator else []
    return ["The module does, in this order:", *(f"- {step.label}" for step in plan.steps), *row]


def _threads(plan: Plan) -> list[str]:
    if plan.row_operator:
        return [
            "One block takes a row, and its threads stride over the columns, so any width works.",
            "Each thread keeps a partial value, and a tree in shared memory joins them.",
        ]
    lines = ["One kernel does all of it: a thread takes one element, i = blockIdx.x * blockDim.x + threadIdx.x."]
    if plan.parameter:
        lines.append(f"The parameter {plan.parameter} lies along the columns, so its index is i % cols.")
    return lines


def _danger(plan: Plan) -> str:
    if plan.row_operator:
        return "The danger is a read before the write: every step of the tree needs __syncthreads()."
    return "The danger is the tail: the last block reaches past n, so threads with i >= n return first."


def _about_steps(plan: Plan) -> list[str]:
    """Follow one element through the chain, and think about the statements and their order."""
    if not plan.steps:
        return []
    names = dict(zip(plan.variables, (1.0, -0.5), strict=False))
    start = ", ".join(f"{name} = {value}" for name, value in names.items())
    results = zip(plan.steps, trace(plan.steps, names), strict=True)
    path = ", ".join(f"{step.label} gives {value:.3f}" for step, value in results)
    first, last, count = plan.steps[0], plan.steps[-1], len(plan.steps) + bool(plan.row_operator)
    parts = [
        f"Let me check the chain by hand with {start}: {path}. These are the values that I expect.",
        f"Let me verify the line for {last.label}: {last.code[:-1]}. No constant lacks its f, so nothing is double.",
    ]
    if len(plan.steps) > 1:
        order = f"The first statement is {first.label}, and {last.label} is the last one on an element."
        parts += [
            f"Wait, is the order right? {order} The list above has it like that.",
            f"Alternatively, each operator could have a kernel of its own. {FUSED.format(count=count)}",
        ]
    return parts


FUSED = (
    "That would move the data {count} times instead of once. They are bound by memory, so one fused kernel is better."
)
ABOUT_ROWS = (
    """Alternatively, warp shuffles could join the partial values. They need two levels for 128 threads. \
The tree is easier to get right.""",
    """Wait, what if a row has fewer columns than the block has threads? Then some threads never enter the loop. \
Their partial value is the neutral one, so the result is still right.""",
    """Let me check the number of steps of the tree. It starts with 64 and halves down to 1: 7 steps for 128. \
After the last one the result is in shared[0].""",
)
ABOUT_ELEMENTS = (
    """Alternatively, a grid-stride loop would allow fewer blocks. The sizes are moderate. \
So one element for each thread is simpler and keeps the reads coalesced.""",
    """Wait, what if an input is not contiguous? Then data_ptr would be read in the wrong order. \
I call contiguous() before the launch, which costs nothing when there is nothing to do.""",
    """Let me check the number of blocks. (n + 255) / 256 rounds up, so at n = 33 one block has threads to spare. \
No element is left out.""",
)
