"""The report's further tables, from results.json: a column per model, a line per figure."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, get_args

from eval.compare import compare
from eval.config import Strategy
from eval.difficulty import DIFFICULTIES
from eval.headline import NOT_MEASURED, points, share, times

Models = Mapping[str, Mapping[str, Any]]
WORDS = {
    "random": "any answer, by chance",
    "majority": "majority of those that agree",
    "codet": "CodeT",
    "b4": "B4",
    "rpc": "RPC",
    "shortest": "shortest reasoning",
    "hybrid": "hybrid: shorter half, then most tests",
    "oracle": "oracle: right if any is",
}


class ReportTable(NamedTuple):
    """A table with its heading; cells may hold ``figure (interval)``."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str


def tables(models: Models) -> list[ReportTable]:
    """Return the tables for which there are figures; models are in the order in which they are shown."""
    speeds = (_speed, _fast_p, _fast_p_over_compile)
    made = (table(models) for table in (*speeds, _difficulty, _categories, _costs, _selection, _scaling, _judge))
    return [table for table in made if table is not None]


def comparisons(models: Models) -> dict[str, dict[str, Any]]:
    """Return how each model compares with the one before it: ``difference``, ``wins``, ``losses``, ``p_value``.

    Pairs that share no task, or of which one has no samples, are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for before, after in pairwise(models):
        a, b = models[after].get("tasks"), models[before].get("tasks")
        if a and b and a.keys() & b.keys():
            compared = compare(a, b)
            found[f"{after} minus {before}"] = {
                "difference": compared.difference._asdict(),
                "wins": compared.wins,
                "losses": compared.losses,
                "n_tasks": compared.n_tasks,
                "p_value": compared.first.p_value,
            }
    return found


def comparison_table(found: Mapping[str, Mapping[str, Any]]) -> ReportTable | None:
    """Return the table of ``comparisons``."""
    rows = [
        [
            pair,
            points(c["difference"]),
            f"{len(c['wins'])} / {len(c['losses'])} of {c['n_tasks']}",
            f"{c['p_value']:.3g}",
        ]
        for pair, c in found.items()
    ]
    caption = (
        "Right answers on the same tasks, with a paired bootstrap interval; tasks on which one is right more often "
        "than the other; McNemar's exact test of the first answers."
    )
    columns = ["", "difference", "tasks won / lost", "McNemar's p"]
    return ReportTable("Model against model", columns, rows, caption) if rows else None


def strategy_table(strategies: Mapping[str, Any] | None) -> ReportTable | None:
    """Return the table of test-time strategies."""
    if not strategies:
        return None
    rows = []
    for model, by_strategy in strategies["models"].items():
        for name, figures in in_order(by_strategy).items():
            against = figures["against_parallel"]
            rows.append(
                [
                    f"{model}: {name}",
                    share(figures["solved"]),
                    points(against).replace(" points", "") if against else "",
                    f"{figures['answers_per_task']:.1f}",
                    f"{figures['tokens_per_task']:.0f}",
                    "?" if figures["prompt_tokens_per_task"] is None else f"{figures['prompt_tokens_per_task']:.0f}",
                ]
            )
    caption = (
        f"Each strategy may spend {strategies['budget']} completion tokens on a task, and an answer that ends beyond "
        "them does not count. Where no speed is measured, a task ends with its first right answer, in evolve with "
        "the generation that holds it."
    )
    columns = ["", "tasks solved", "against parallel, in points", "answers a task", "tokens", "prompt tokens"]
    return ReportTable("Ways to spend the same tokens", columns, rows, caption)


def in_order(by_strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Return what there is by strategy, in the order in which the configuration names them; JSON has its own."""
    return {name: by_strategy[name] for name in get_args(Strategy) if name in by_strategy}


def _table(title: str, models: Models, lines: Mapping[str, Callable[[Any], str]], caption: str) -> ReportTable:
    return ReportTable(
        title, ["", *models], [[name, *map(line, models.values())] for name, line in lines.items()], caption
    )


def _speed(models: Models) -> ReportTable | None:
    if not any(figures.get("speedup") for figures in models.values()):
        return None
    lines: dict[str, Callable[[Any], str]] = {}
    for over, words in (("speedup", "eager PyTorch"), ("speedup_over_compile", "torch.compile")):
        for name in ("geometric_mean", "median"):
            lines[f"{name.replace('_', ' ')} over {words}"] = lambda m, over=over, name=name: _times(m, over, name)
    for k in sorted({k for figures in models.values() for k in figures.get("best_speedup_at_k") or {}}, key=int):
        best = "an answer" if k == "1" else f"the best of {k} answers"
        lines[f"{best}, wrong ones being 0: mean over tasks"] = lambda m, k=k: _mean_times(m, "best_speedup_at_k", k)
    for budget in sorted({b for m in models.values() for b in m.get("best_speedup_within_tokens") or {}}, key=int):
        lines[f"the best of {budget} tokens, wrong ones being 0: mean over tasks"] = lambda m, b=budget: _mean_times(
            m, "best_speedup_within_tokens", b
        )
    lines["right answers timed"] = lambda m: str((m.get("speedup") or {}).get("n", 0))
    caption = (
        "Geometric means and medians are over right answers only: how many there are is told by pass@k, and both by "
        "fast_p and the means over tasks, which are over eager PyTorch."
    )
    return _table("How fast right answers are", models, lines, caption)


def _fast_p(models: Models) -> ReportTable | None:
    return _grid_of_fast_p(models, "fast_p_at_k", "eager PyTorch")


def _fast_p_over_compile(models: Models) -> ReportTable | None:
    return _grid_of_fast_p(models, "fast_p_at_k_over_compile", "torch.compile")


def _grid_of_fast_p(models: Models, figure: str, over: str) -> ReportTable | None:
    grids = {name: figures[figure] for name, figures in models.items() if figures.get(figure)}
    if not grids:
        return None
    ks = sorted({k for grid in grids.values() for by_k in grid.values() for k in by_k}, key=int)
    rows = [
        [f"fast_{float(p):g}{f', {name}' if len(grids) > 1 else ''}", *(share(grid[p].get(k)) for k in ks)]
        for p in sorted(next(iter(grids.values())), key=float)
        for name, grid in grids.items()
    ]
    caption = f"At least one of k answers is right and more than p times as fast as {over}."
    return ReportTable(f"fast_p over {over}, by number of answers", ["", *(f"k = {k}" for k in ks)], rows, caption)


def _difficulty(models: Models) -> ReportTable | None:
    bins = {name: figures["by_difficulty"] for name, figures in models.items() if figures.get("by_difficulty")}
    caption = (
        "Tasks by the mean length of a model's own reasoning about them, in tokens: easy below 4000, hard above 8500."
    )
    return _parts("Right first answers by difficulty", bins, DIFFICULTIES, caption)


def _categories(models: Models) -> ReportTable | None:
    parts = {name: figures["by_category"] for name, figures in models.items() if figures.get("by_category")}
    names = sorted({category for own in parts.values() for category in own})
    return _parts("Right first answers by category", parts, names, "") if len(names) > 1 else None


def _parts(title: str, parts: Mapping[str, Any], names: Sequence[str], caption: str) -> ReportTable | None:
    rows = []
    for name in names:
        sizes = {own[name]["n_tasks"] for own in parts.values() if name in own}
        if sizes:
            tasks = f"{min(sizes)} to {max(sizes)}" if len(sizes) > 1 else str(min(sizes))
            cells = [_pass(own[name]) if name in own else "no task" for own in parts.values()]
            rows.append([f"{name.replace('_', ' ')}, {tasks} tasks", *cells])
    return ReportTable(title, ["", *parts], rows, caption) if rows else None


def _costs(models: Models) -> ReportTable | None:
    if not any(figures.get("per_solved_task") for figures in models.values()):
        return None
    lines: dict[str, Callable[[Any], str]] = {
        "completion tokens for a solved task": lambda m: _cost(m, "completion_tokens")
    }
    if any("dollars" in (figures.get("per_solved_task") or {}) for figures in models.values()):
        lines["dollars for a solved task"] = lambda m: _cost(m, "dollars")
    budgets = sorted({b for m in models.values() for b in m.get("solved_within_tokens") or {}}, key=int)
    for budget in budgets:
        lines[f"solved within {budget} tokens a task"] = lambda m, b=budget: share(
            (m.get("solved_within_tokens") or {}).get(b)
        )
    caption = "Answers to unsolved tasks are paid for too, and counted."
    return _table("What a solved task costs", models, lines, caption)


def _selection(models: Models) -> ReportTable | None:
    found = {name: figures["selection"] for name, figures in models.items() if figures.get("selection")}
    if not found:
        return None
    rows = [[words, *(share(own.get(rule)) for own in found.values())] for rule, words in WORDS.items()]
    seen = {name: models[name].get("selection_by") for name in found}
    by_outputs = [name for name, by in seen.items() if by == "outputs"]
    told = "what two answers give on the same inputs"
    if len(by_outputs) < len(seen):
        others = "which answers ran and are the same kernel (evaluate.outputs: 0)"
        told = f"{told} ({', '.join(by_outputs)}); of the others {others}" if by_outputs else others
    caption = (
        f"Tasks solved by the one answer that each rule picks, not knowing which is right. The rules see {told}; how "
        "long was reasoned; and RPC the mean log-probability of an answer's tokens, where the model was asked for it."
    )
    return ReportTable("Choosing one of several answers", ["", *found], rows, caption)


def _scaling(models: Models) -> ReportTable | None:
    if not any(figures.get("saturation") or figures.get("allocation") for figures in models.values()):
        return None
    lines: dict[str, Callable[[Any], str]] = {
        "samples until one more gains less than 1%": lambda m: _of(m.get("saturation"), lambda s: str(s["samples"])),
        "share solved with any number (fit)": lambda m: _of(m.get("saturation"), lambda s: f"{s['f_max']:.1%}"),
        "largest error of the fit": lambda m: _of(m.get("saturation"), lambda s: f"{s['error']:.1%}"),
    }
    if any(figures.get("allocation") for figures in models.values()):
        for way, words in (("uniform", "as many samples for each task"), ("adaptive", "more samples for some bins")):
            lines[words] = lambda m, way=way: _of(m.get("allocation"), lambda a: _spent(a["solved"][way]))
        lines["samples by bin"] = lambda m: _of(m.get("allocation"), _bins)
    caption = (
        "The curve F(N) = F (1 - (1-p)^N) is fitted to pass@N. Below it, the tokens of half of the samples are spent "
        "evenly, or divided by bins of reasoning length; decided on one half of the tasks and scored on the other."
    )
    return _table("What more samples bring", models, lines, caption)


def _judge(models: Models) -> ReportTable | None:
    if not any(figures.get("corrected_pass_at_1") for figures in models.values()):
        return None
    lines: dict[str, Callable[[Any], str]] = {
        "accepted by the judge": _pass,
        "right, with the judge's errors": lambda m: share(m.get("corrected_pass_at_1")),
        "accepted answers that are right": lambda m: share((m.get("corrected_pass_at_1") or {}).get("precision")),
    }
    caption = (
        "First answers. The judge's rates of false accepts and false rejects on candidates whose truth is known, and "
        "the doubt about them, are carried into the interval; more samples don't remove them."
    )
    return _table("If the judge errs as measured", models, lines, caption)


def _pass(figures: Mapping[str, Any]) -> str:
    return share(figures["pass_at_k"].get("1"))


def _times(figures: Mapping[str, Any], over: str, name: str) -> str:
    speed = figures.get(over)
    interval = figures.get("intervals", {}).get(f"{over}.{name}")  # an older results.json has none
    return _multiple(interval) if interval else f"{speed[name]:.2f}x" if speed else NOT_MEASURED


def _mean_times(figures: Mapping[str, Any], name: str, k: str) -> str:
    return _multiple((figures.get(name) or {}).get(k))


def _multiple(value: Mapping[str, float] | None) -> str:
    return times(value) if value else NOT_MEASURED


def _cost(figures: Mapping[str, Any], name: str) -> str:
    costs = figures.get("per_solved_task")
    if costs is None or name not in costs:
        return NOT_MEASURED
    return (
        "none solved" if costs[name] is None else f"{costs[name]:.4g}" if name == "dollars" else f"{costs[name]:.0f}"
    )


def _of(value: Any, words: Callable[[Any], str]) -> str:
    return NOT_MEASURED if value is None else words(value)


def _spent(solved: Mapping[str, float]) -> str:
    return f"{solved['share']:.1%} ({solved['tokens']:.0f} tokens a task)"


def _bins(found: Mapping[str, Any]) -> str:
    bins = found["bins"]
    return ", ".join(f"{name} {bins[name]['samples']:g}" for name in DIFFICULTIES if name in bins)
