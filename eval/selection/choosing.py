"""What each rule of choice makes of a model's samples: the share of tasks for which it picks a right answer.

Nothing that a rule sees comes from the reference. What it sees of two answers is whether they give the same outputs
on inputs that they share, where the evaluation gathered them (``evaluate.outputs``; see ``outputs`` and
``matrix.agreement``). Where it did not: whether an answer ran to its end, and whether two answers are the same kernel
(comments and layout aside). Besides: how long was reasoned, and how likely the model found its own answer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from eval.metrics import Estimate, bootstrap
from eval.selection.matrix import agreement, votes
from eval.selection.rpc import rpc
from eval.selection.rules import b4, codet, hybrid, oracle, random_choice

RUNS = frozenset({"correct", "incorrect", "cheating"})  # statuses of what ran to its end, as far as values go
Sample = Mapping[str, Any]  # of results.json: status, form, outputs, reasoning_tokens, log_probability, scored_tokens
Rule = Callable[[Sequence[Sample]], int]
By = Literal["outputs", "kernels"]


def selected(tasks: Mapping[str, Mapping[str, Any]], resamples: int, seed: int) -> dict[str, Any] | None:
    """Return per rule the share of tasks solved by the answer it picks, with its interval; None below two samples.

    ``random`` is the chance of an answer drawn at random, ``oracle`` that any is right: the bounds. ``shortest`` and
    ``hybrid`` are null where some sample has no count of reasoning tokens, ``rpc`` where one has no probability.

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
    for name, rule in RULES.items():
        usable = all(figure in sample for figure in NEEDS.get(name, ()) for own in samples for sample in own)
        values[name] = [float(r[rule(own)]) for own, r in zip(samples, right, strict=True)] if usable else None
    values["oracle"] = [oracle(own) for own in right]
    return {name: _estimate(found, resamples, seed) for name, found in values.items()}


def selected_by(tasks: Mapping[str, Mapping[str, Any]]) -> By:
    """Return what the rules compare: ``outputs`` where a task's samples have any, else ``kernels``."""
    return "outputs" if any("outputs" in s for task in tasks.values() for s in task["samples"]) else "kernels"


def pass_matrix(samples: Sequence[Sample]) -> list[list[bool]]:
    """Return the tests of a task's samples, [answers][tests].

    With outputs, a test per distinct output at each input: it gives that one. Without: it runs; and for each answer
    that does, it is that one's kernel.
    """
    if _have_outputs(samples):
        return agreement(_outputs(samples))
    kernels = _kernels(samples)
    running = [kernel for kernel in kernels if kernel is not None]
    return [[kernel is not None, *(kernel == other for other in running)] for kernel in kernels]


def _have_outputs(samples: Sequence[Sample]) -> bool:
    return any("outputs" in sample for sample in samples)


def _outputs(samples: Sequence[Sample]) -> list[list[int | None]]:
    number = max(len(sample.get("outputs", ())) for sample in samples)
    return [sample.get("outputs") or [None] * number for sample in samples]


def _kernels(samples: Sequence[Sample]) -> list[str | None]:
    return [sample.get("form") if sample["status"] in RUNS else None for sample in samples]


def _classes(samples: Sequence[Sample]) -> list[Any]:
    """Return what each answer comes to: its outputs, None if it lacks one that another has; or its kernel."""
    if not _have_outputs(samples):
        return _kernels(samples)
    columns = [column for column in zip(*_outputs(samples), strict=True) if any(c is not None for c in column)]
    rows = zip(*columns, strict=True) if columns else [(None,)] * len(samples)
    return [None if None in row else row for row in rows]


def _majority(samples: Sequence[Sample]) -> int:
    return rpc([0.0] * len(samples), _classes(samples))


def _rpc(samples: Sequence[Sample]) -> int:
    """Return what RPC picks by the probability of a token, averaged geometrically: the inverse of the perplexity.

    So does the authors' code, or the longer of two answers would never count; and an answer that was sampled twice
    is one path, counted once.
    """
    paths = [(s["log_probability"], s["scored_tokens"], s.get("form")) for s in samples]
    first = [i for i, path in enumerate(paths) if path not in paths[:i]]
    logs = [samples[i]["log_probability"] / max(1, samples[i]["scored_tokens"]) for i in first]
    classes = _classes(samples)
    return first[rpc(logs, [classes[i] for i in first])]


def _shortest(samples: Sequence[Sample]) -> int:
    return min(
        range(len(samples)), key=lambda i: (samples[i]["status"] not in RUNS, samples[i]["reasoning_tokens"], i)
    )


def _hybrid(samples: Sequence[Sample]) -> int:
    """Return what the hybrid picks; who agrees with most passes most tests."""
    tests = votes(_outputs(samples)) if _have_outputs(samples) else pass_matrix(samples)
    return hybrid([-sample["reasoning_tokens"] for sample in samples], tests)


RULES: dict[str, Rule] = {
    "majority": _majority,
    "codet": lambda samples: codet(pass_matrix(samples)),
    "b4": lambda samples: b4(pass_matrix(samples)),
    "rpc": _rpc,
    "shortest": _shortest,  # short reasoning is right more often (ConCuR)
    "hybrid": _hybrid,
}
NEEDS = {
    "shortest": ("reasoning_tokens",),
    "hybrid": ("reasoning_tokens",),
    "rpc": ("log_probability", "scored_tokens"),
}  # of every sample


def _estimate(values: Sequence[float] | None, resamples: int, seed: int) -> dict[str, float] | None:
    found: Estimate | None = bootstrap(values, resamples, seed) if values is not None else None
    return found._asdict() if found else None
