"""What each test-time strategy solves with the same completion tokens a task."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.compare import paired_bootstrap
from eval.metrics import bootstrap
from eval.speed import speed

POINTS = 24  # of the curve over tokens
BASELINE = "parallel"
Answer = Mapping[str, Any]  # tokens, prompt_tokens, right, speedup


def answers_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, list[dict[str, Any]]]]]:
    """Return the answers in rows of the table ``strategies``: model -> strategy -> task -> in the order of asking."""
    found: dict[str, dict[str, dict[str, list[dict[str, Any]]]]] = defaultdict(lambda: defaultdict(dict))
    for row in sorted(rows, key=lambda r: (r["turn"], r["sample"])):
        answer = {"tokens": row["tokens"], "right": row["accepted"]}
        answer |= {name: row[name] for name in ("prompt_tokens", "speedup") if row[name] is not None}
        found[row["model"]][row["strategy"]].setdefault(row["task_id"], []).append(answer)
    return {model: dict(own) for model, own in found.items()}


def strategy_results(
    found: Mapping[str, Mapping[str, Mapping[str, Sequence[Answer]]]], budget: int, resamples: int, seed: int
) -> dict[str, Any]:
    """Return the ``strategies`` of results.json.

    An answer counts if the tokens of all answers up to it, itself included, are within the budget. The budget is of
    completion tokens; a conversation with reports also has longer prompts, which ``prompt_tokens_per_task`` tells.

    Returns:
        ``budget`` and ``models``: model -> strategy -> ``solved`` {mean, low, high}, ``solved_within`` {tokens:
        share}, ``against_parallel`` (paired difference of the shares solved, null for parallel itself or without
        it), ``answers_per_task``, ``tokens_per_task``, ``prompt_tokens_per_task``, ``best_speedup`` (of solved tasks'
        best answers, null where none was timed) and ``tasks``: all that it is computed from.
    """
    models: dict[str, Any] = {}
    for model, by_strategy in found.items():
        models[model] = {}
        task_ids = sorted({task_id for tasks in by_strategy.values() for task_id in tasks})
        base = by_strategy.get(BASELINE)
        for strategy, tasks in by_strategy.items():
            lists = [tasks.get(task_id, []) for task_id in task_ids]
            solved = [_solved(own, budget) for own in lists]
            figures: dict[str, Any] = {
                "solved": bootstrap(solved, resamples, seed)._asdict(),
                "solved_within": {str(b): _mean([_solved(own, b) for own in lists]) for b in _grid(budget)},
                "answers_per_task": _mean([len(own) for own in lists]),
                "tokens_per_task": _mean([sum(a["tokens"] for a in own) for own in lists]),
                "prompt_tokens_per_task": _prompts(lists),
                "best_speedup": _best_speedup(lists, budget),
                "against_parallel": None,
                "tasks": {task_id: list(own) for task_id, own in tasks.items()},
            }
            if base is not None and strategy != BASELINE:
                theirs = [_solved(base.get(task_id, []), budget) for task_id in task_ids]
                figures["against_parallel"] = paired_bootstrap(solved, theirs, resamples, seed)._asdict()
            models[model][strategy] = figures
    return {"budget": budget, "models": models}


def merged(parts: Sequence[Mapping[str, Any]], resamples: int, seed: int) -> dict[str, Any] | None:
    """Return the ``strategies`` of several results.json as one; None where none has any or their budgets differ."""
    own = [part["strategies"] for part in parts if part.get("strategies")]
    if not own or len({part["budget"] for part in own}) > 1:
        return None
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for part in own:
        for model, by_strategy in part["models"].items():
            for strategy, figures in by_strategy.items():
                found[model][strategy] |= figures["tasks"]
    return strategy_results(found, own[0]["budget"], resamples, seed)


def _within(answers: Sequence[Answer], budget: int) -> list[Answer]:
    spent, kept = 0, []
    for answer in answers:
        spent += answer["tokens"]
        if spent > budget:
            break
        kept.append(answer)
    return kept


def _solved(answers: Sequence[Answer], budget: int) -> float:
    return float(any(answer["right"] for answer in _within(answers, budget)))


def _best_speedup(lists: Sequence[Sequence[Answer]], budget: int) -> dict[str, float] | None:
    right = [[a["speedup"] for a in _within(own, budget) if a["right"] and "speedup" in a] for own in lists]
    found = speed([max(own) for own in right if own])
    return found._asdict() if found else None


def _prompts(lists: Sequence[Sequence[Answer]]) -> float | None:
    if any("prompt_tokens" not in answer for own in lists for answer in own):
        return None
    return _mean([sum(answer["prompt_tokens"] for answer in own) for own in lists])


def _grid(budget: int) -> list[int]:
    return sorted({max(1, round(budget * i / POINTS)) for i in range(1, POINTS + 1)})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
