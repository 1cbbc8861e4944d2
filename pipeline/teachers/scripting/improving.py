"""How the scripted teacher betters a kernel that is right: one rewriting at a time, each shorter and equivalent."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pipeline.teachers.scripting.mistakes import Draft
from pipeline.teachers.scripting.plan import Plan


class Rewriting(NamedTuple):
    """Text that is replaced wherever it stands, and what a person says about it."""

    old: str
    new: str
    reason: str


LAUNCH = "    fused_kernel<<<x.size(0), 128>>>(x.data_ptr<float>(), out.data_ptr<float>(), "
REWRITINGS = (
    Rewriting(
        "#include <cuda_runtime.h>\n", "",
        "torch/extension.h brings the CUDA headers, so the other one can go.",
    ),
    Rewriting(
        "blockIdx.x * blockDim.x + threadIdx.x", "blockIdx.x * 256 + threadIdx.x",
        "The block has 256 threads at every launch, so its size can be a constant.",
    ),
    Rewriting(
        f"    int cols = x.size(1);\n{LAUNCH}cols);\n", f"{LAUNCH}x.size(1));\n",
        "The number of columns is used once, so it needs no name.",
    ),
)  # fmt: skip


def write_better(plan: Plan, parents: Sequence[str], rng: random.Random) -> Draft | None:
    """Return the best parent, the last one, with one more rewriting; None if none is left to do."""
    best = parents[-1]
    left = [rewriting for rewriting in REWRITINGS if rewriting.old in best]
    if not left:
        return None
    chosen = rng.choice(left)
    draft = Draft(plan, best.replace(chosen.old, chosen.new))
    return replace(draft, belief=f"I start from the last kernel of the list. {chosen.reason}")
