"""What the report says in a sentence: the result, and what not to compare it with."""

from typing import Any

from eval.headline import counted, models_in_order, share
from eval.report_data import TRAINED_MODEL

BENCHMARKS = ("kernelbench", "robust_kbench")  # suites, by the beginnings of their names


def summary(results: dict[str, Any] | None) -> str | None:
    """Return what the student solves, beside the untrained model; None if nothing is known of any model."""
    models = results["models"] if results else {}
    student = models.get(TRAINED_MODEL)
    if student is None:
        return _summary_of_others(results)
    if not student["pass_at_k"].get("1"):
        return None
    before = models.get("untrained", {}).get("pass_at_k", {}).get("1")
    compared = f", the untrained model {share(before)}" if before else ""
    tasks = counted(student["n_tasks"], "held-out task")
    return f"At the first attempt the student solves {share(student['pass_at_k']['1'])} of {tasks}{compared}."


def _summary_of_others(results: dict[str, Any] | None) -> str | None:
    """Return what models that were not trained here solve; None if nothing is known of any."""
    models = models_in_order(results) if results else {}
    solved = {name: found for name, figures in models.items() if (found := figures["pass_at_k"].get("1"))}
    if results is None or not solved:
        return None
    told = ", ".join(f"{name} {share(found)}" for name, found in solved.items())
    tasks = counted(max(models[name]["n_tasks"] for name in solved), "task")
    return f"Solved at the first attempt, of {tasks} of suite {results['suite']}: {told}."


def caution(results: dict[str, Any] | None) -> str | None:
    """Return why figures on a benchmark's tasks are not those that others publish; None where nobody does."""
    if results is None or not results["suite"].startswith(BENCHMARKS):
        return None
    policies = sorted(set((results.get("policies") or {}).values()))
    under = f" under policy {' or '.join(policies)}" if policies else ""
    return (
        "Not comparable with published figures on these tasks: models are asked with this project's own prompt, and "
        f"answers are judged{under} by this project's judge, on more inputs and sizes than the benchmark's evaluator "
        "uses. Under strict it also rejects what that evaluator lets pass, such as fall-backs and fixed sizes."
    )
