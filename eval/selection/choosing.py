"""What each rule of choice makes of a model's samples: the share of tasks for which it picks a right answer.

Nothing that a rule sees comes from the reference. The judge draws other inputs for every candidate, so that none can
know its own, and returns no outputs: "gives the same outputs" can't be asked of two answers. What is there instead:
whether an answer ran to its end, whether two answers are the same kernel (comments and layout aside), and how long
was reasoned about it. Those are the tests: "it runs", and for each answer that does "it is the same kernel as this
one". With fingerprints of outputs on shared inputs, ``matrix.agreement`` would make better ones. RPC wants the
probability of each answer, which no teacher returns; with equal ones it is the majority.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.metrics import Estimate, bootstrap
from eval.selection.rpc import rpc
from eval.selection.rules import b4, codet, hybrid, oracle, random_choice

RUNS = frozenset({"correct", "incorrect", "cheating"})  # statuses of what ran to its end, as far as values go
Sample = Mapping[str, Any]  # of results.json: status, form, reasoning_tokens
Rule = Callable[[Sequence[Sample]], int]


def selected(tasks: Mapping[str, Mapping[str, Any]], resamples: int, seed: int) -> dict[str, Any] | None:
    """Return per rule the share of tasks solved by the answer it picks, with its interval; None below two samples.

    ``random`` is the chance of an answer drawn at random, ``oracle`` that any is right: the bounds. ``shortest`` and
    ``hybrid`` are null where some sample has no count of reasoning tokens.

    Args:
        tasks: ``tasks`` of a model in results.json.
        resamples: of the tasks.
        seed: of the drawing.
    """
    samples = [task["samples"] for task in tasks.values()]
    if not samples or min(map(len, samples)) < 2:
        return None
    right = [[sample["status"] == "correct" for sample in own] for own in samples]
    values: dict[str, list[float] | None] = {"random": [random_choice(own) for own in right]}
    counted = all("reasoning_tokens" in sample for own in samples for sample in own)
    for name, rule in RULES.items():
        usable = counted or name not in BY_LENGTH
        values[name] = [float(r[rule(own)]) for own, r in zip(samples, right, strict=True)] if usable else None
    values["oracle"] = [oracle(own) for own in right]
    return {name: _estimate(found, resamples, seed) for name, found in values.items()}


def pass_matrix(samples: Sequence[Sample]) -> list[list[bool]]:
    """Return the tests of a task's samples, [answers][1 + answers that run]: it runs; it is that one's kernel."""
    kernels = _kernels(samples)
    running = [kernel for kernel in kernels if kernel is not None]
    return [[kernel is not None, *(kernel == other for other in running)] for kernel in kernels]


def _kernels(samples: Sequence[Sample]) -> list[str | None]:
    return [sample.get("form") if sample["status"] in RUNS else None for sample in samples]


def _majority(samples: Sequence[Sample]) -> int:
    return rpc([0.0] * len(samples), _kernels(samples))


def _shortest(samples: Sequence[Sample]) -> int:
    return min(
        range(len(samples)), key=lambda i: (samples[i]["status"] not in RUNS, samples[i]["reasoning_tokens"], i)
    )


RULES: dict[str, Rule] = {
    "majority": _majority,
    "codet": lambda samples: codet(pass_matrix(samples)),
    "b4": lambda samples: b4(pass_matrix(samples)),
    "shortest": _shortest,  # short reasoning is right more often (ConCuR)
    "hybrid": lambda samples: hybrid([-s["reasoning_tokens"] for s in samples], pass_matrix(samples)),
}
BY_LENGTH = frozenset({"shortest", "hybrid"})


def _estimate(values: Sequence[float] | None, resamples: int, seed: int) -> dict[str, float] | None:
    found: Estimate | None = bootstrap(values, resamples, seed) if values is not None else None
    return found._asdict() if found else None
