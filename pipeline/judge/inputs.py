"""Which cases a candidate is run on: settings, distributions, thread orders, seeds."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pipeline.records import Setting, Task

Distribution = Literal[
    "own",
    "shifted",
    "spiky",
    "large",
    "negative",
    "positive",
    "faint",
    "signed",
    "coarse",
    "touched",
    "zeros",
    "level",
]
Order = Literal["forward", "reverse", "random"]
ORDERS: tuple[Order, ...] = ("forward", "reverse", "random")

# Calls at the main setting, at the second one (at the main one, if it is alone) and at each further one. The last of
# these, the smallest, has some more: rows there are so short that each element is the largest of some. All calls at
# one setting go to one instance of ModelNew, its weights and inputs changed in place in between, so that results
# cached by address, shape or call count come out wrong; in one that is ``touched`` by next to nothing, so that those
# do that are cached by some of the values.
CALLS: tuple[tuple[tuple[Distribution, Order], ...], ...] = (
    (("own", "forward"), ("spiky", "reverse")),
    (
        *(("own", "random"), ("signed", "forward"), ("touched", "forward"), ("faint", "random")),
        *(("shifted", "reverse"), ("coarse", "random"), ("large", "forward")),
    ),
    (("own", "random"),),
)
AT_SMALLEST: tuple[tuple[Distribution, Order], ...] = (
    *(("zeros", "reverse"), ("level", "forward"), ("negative", "forward"), ("positive", "reverse")),
)
EXTREME: tuple[Distribution, ...] = ("large", "negative", "positive")
# Factors of these: the first for which the reference's results are finite. An exponential overflows from about 88 on,
# unless its true maximum was subtracted; a clamp at 100 is reached. What is all negative or positive goes further: a
# task may divide first, and -1e6 is no minus infinity. (-1e10 is taken for it by many, and does no harm.)
LARGE = (256, 16)
ALL_FAR = (2**24, 2**16, 2**12, 2**10, *LARGE)
# Of the tolerance's floor there. A logarithm of a sum of exponentials near 1000 is rounded by 6e-5, and a gradient
# made from it is wrong by as much; what is looked for here, an overflow or a clamp, is wrong by far more.
LARGE_ROOM = 4.0
# Among zeros and equal values, a variance is nothing but what was added to it, and rounding errors are divided by its
# root. What is looked for there is wrong by more.
ZEROS_ROOM = 32.0
# All values are this but for their last digits. A variance is a rounding error then, and where it came of two large
# numbers it may be below zero: no number has such a root. Nothing else counts, since all else is rounding errors too.
LEVEL = 181.0
LEVEL_ROOM = math.inf
FAINT = 1 / 32  # a variance of 1 becomes 1e-3: what is added to it against a division by 0 can be seen in the result
REPEATS = 64  # unobserved calls before the last one at the smallest setting: who drifts after a while is found out


@dataclass(frozen=True)
class Mode:
    """A mode of a module and of its caller.

    The judge calls a module as benchmarks do: without gradients, and in training mode unless its constructor left
    that. Who asks for it could be right there alone.

    Attributes:
        name: as an author is told it.
        evaluates: ``model.eval()`` was called.
        gradients: computed, or not, or the caller is in torch's inference mode.
        inputs_require: floating inputs require gradients.
        frozen: no parameter does.
    """

    name: str
    evaluates: bool = False
    gradients: Literal["on", "off", "inference"] = "on"
    inputs_require: bool = False
    frozen: bool = False


MODES = (
    Mode("training", inputs_require=True),
    Mode("evaluation", evaluates=True, gradients="off"),
    Mode("inference", evaluates=True, gradients="inference", frozen=True),
)
TRAINED = "training, with gradients that do not lie contiguously and another call before the way back"


@dataclass(frozen=True)
class Case:
    """One call: at which setting, on which values, in which order of threads, after how many unobserved calls.

    ``fresh_weights``: the model's parameters are changed too, beyond what their initialisation from ``weights_seed``
    gives. ``seeks_kept``: one of the unobserved calls is made without its kernels, to see whether the result is there
    all the same. It is not looked for at the smallest settings, where the result may be so by chance. ``looks``: what
    the candidate holds is looked at before and after the call. ``modes``: it is called in others afterwards.
    ``is_long``: one size is the task's own, the others are tiny.
    """

    setting: "Setting"
    call: int
    distribution: Distribution
    order: Order
    seed: int
    weights_seed: int
    fresh_weights: bool
    repeats: int = 0
    seeks_kept: bool = False
    looks: bool = False
    modes: bool = False
    is_long: bool = False

    @property
    def name(self) -> str:
        """Like ``odd/1/spiky/reverse``."""
        return f"{self.setting.name}/{self.call}/{self.distribution}/{self.order}"

    def request(self, task: "Task") -> dict[str, Any]:
        """Return what a process that runs the task's module needs to know of the case."""
        return {
            "source": task.reference,
            "sizes": self.setting.sizes,
            "direction": task.direction,
            "seed": self.seed,
            "weights_seed": self.weights_seed,
            "distribution": self.distribution,
            "fresh_weights": self.fresh_weights,
            "watched": self.call == 0,
            "evaluates": self.modes,
        }


def plan(task: "Task", settings: Sequence["Setting"], key: bytes, long: "Setting | None" = None) -> list[Case]:
    """Return the cases of a task's candidates: the last settings first, the main one at the end.

    The ``long`` one, of one call, comes right before it.

    Their seeds come from a keyed hash over the task: with the same key, each candidate gets the same cases in any
    order of judging, and without it none can know them.
    """
    cases: list[Case] = []
    task_id = task.id
    smallest = len(settings) - 1
    for index, setting in reversed(list(enumerate(settings))):
        if index == 0 and long is not None:
            seed = _seed(task_id, long, 0, key)
            cases.append(Case(long, 0, "own", "random", seed, seed, fresh_weights=False, is_long=True))
        calls = CALLS[min(index, len(CALLS) - 1)] if len(settings) > 1 else (*CALLS[0], *CALLS[1][1:])
        if index == smallest and index >= len(CALLS) - 1:
            calls = (*calls, *AT_SMALLEST)
        for number, (distribution, order) in enumerate(calls):
            seed = _seed(task_id, setting, number, key)
            seed = cases[-1].seed if distribution == "touched" else seed
            modes = number == 0 and index == smallest
            cases.append(Case(setting, number, distribution, order, seed, seed, number > 0, modes=modes))
        seeks_kept = index == min(1, smallest)
        repeats = REPEATS if index == smallest else int(seeks_kept)
        looks = len(calls) > 1 and index != smallest
        cases[-1] = replace(cases[-1], repeats=repeats, seeks_kept=seeks_kept, looks=looks)
    return cases


def _seed(task_id: str, setting: "Setting", number: int, key: bytes) -> int:
    text = f"{task_id}/{setting.name}/{number}"
    digest = hashlib.blake2b(text.encode(), key=key, digest_size=6).digest()
    return int.from_bytes(digest) // 3 * 3 + number % 3  # what unwritten memory holds, call by call


def with_weights_of(case: Case, cases: Sequence[Case]) -> Case:
    """Return the case with the weights of its setting's first call, for a model that can't be given others."""
    first = next(c for c in cases if c.setting is case.setting)
    return replace(case, fresh_weights=False, weights_seed=first.seed)


def call_request(
    case: Case,
    values: dict[str, Any],
    *,
    construct: bool,
    launching: bool = True,
    halved: Sequence[str] | None = None,
    names: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return what a candidate's process is asked for a case; see ``candidate_worker``.

    Args:
        case: the case.
        values: the reference's, of which the call's own are sent.
        construct: on a new instance.
        launching: whether its kernels run.
        halved: which ``constants`` are changed first where all weights that it holds are, see ``weights.halve_held``.
        names: its own of the reference's weights, if it has told them.
    """
    return {
        "op": "call",
        "construct": construct,
        "order": case.order,
        "seed": case.seed,
        "weights_seed": case.weights_seed,
        "repeats": case.repeats,
        "seeks_kept": case.seeks_kept,
        "looks": case.looks,
        "launching": launching,
        "aside": halved is not None or not launching,
        "halved": halved,
        "names": names,
        "compared": [],
        "parameters": [],
        "keep_copies": False,
        "values": {"dict": {name: values[name] for name in ("init", "state", "inputs", "upstream")}},
    }


def factors(distribution: Distribution) -> tuple[int, ...]:
    """Return by how much values may be large, what is tried first at the beginning; one where they are not."""
    if distribution not in EXTREME:
        return LARGE[:1]
    return LARGE if distribution == "large" else ALL_FAR


def room(distribution: Distribution) -> float:
    """Return by what the floor of the tolerance is multiplied."""
    if distribution == "level":
        return LEVEL_ROOM
    return ZEROS_ROOM if distribution in ("zeros", "coarse") else LARGE_ROOM if distribution in EXTREME else 1.0
