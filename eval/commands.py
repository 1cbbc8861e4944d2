"""The commands around an evaluation: compare, merge, seeds, export, crosscheck. Each prints, and returns nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UserError, nearest
from pipeline.output import to_write
from pipeline.records import Task
from pipeline.store import read_rows, write_json
from pipeline.tables import from_row

SHOWN = 12  # tasks of a list


def compare(a: Path, b: Path, model_a: str | None, model_b: str | None) -> None:
    """Print whether A is better than B: one model of each results.json, on the tasks that both were asked.

    Raises:
        UserError: there are no results, no such model, or no task in common.
    """
    from rich.console import Console
    from rich.table import Table

    from eval.compare import compare as compared
    from eval.headline import difference
    from eval.merging import read_results, samples_of

    one, other = read_results(a), read_results(b)
    names = _model(one, model_a, a), _model(other, model_b or (model_a if a != b else None), b)
    tasks_a, tasks_b = (samples_of(r["models"][n], n) for r, n in zip((one, other), names, strict=True))
    found = compared(tasks_a, tasks_b)
    console = Console()
    table = Table(title=f"A: {names[0]} of {a}\nB: {names[1]} of {b}", title_justify="left", show_header=False)
    for line in difference(found):
        table.add_row(*line)
    console.print(table)
    for title, rows in (("A wins", found.wins), ("B wins", found.losses)):
        if rows:
            console.print(f"{title} on {len(rows)} tasks:")
        for row in rows[:SHOWN]:
            console.print(f"  {row.name or row.task_id}: {row.a:.0%} and {row.b:.0%}", markup=False, highlight=False)
        if len(rows) > SHOWN:
            console.print(f"  ... and {len(rows) - SHOWN} more")


def merge(paths: list[Path], out: Path) -> None:
    """Write one results.json of several.

    Raises:
        UserError: they don't belong together, or ``out`` is there already.
    """
    from rich.console import Console

    from eval.merging import merge as merged
    from eval.merging import read_results
    from eval.report import table

    if out.exists():
        raise UserError(f"{out}: already there")
    found = merged([read_results(path) for path in paths])
    write_json(to_write(out), found)
    Console().print(table(found))


def seeds(paths: list[Path], models: list[str], out: Path | None) -> None:
    """Print what several runs with other seeds say together; see ``eval.seeds``.

    Raises:
        UserError: there are no results, or a run lacks a model.
    """
    from rich.console import Console
    from rich.table import Table

    from eval.headline import points, share
    from eval.merging import read_results
    from eval.seeds import summarise

    found = summarise([read_results(path) for path in paths], models)
    tasks = "the same tasks" if found["same_tasks"] else "tasks of their own"
    table = Table("", "pass@1", "each run", title=f"{found['n_seeds']} runs, {tasks}", title_justify="left")
    for name, figures in found["models"].items():
        table.add_row(name, share(figures), ", ".join(f"{value:.1%}" for value in figures["per_seed"]))
    for row in found["differences"]:
        each = ", ".join(f"{100 * value:+.1f}" for value in row["per_seed"])
        clear = "" if row["beyond_zero"] else ", zero is within"
        table.add_row(f"{row['after']} minus {row['before']}", points(row) + clear, each)
    Console().print(table)
    if out is not None:
        write_json(to_write(out), found)


def export(run: Path, model: str, out: Path) -> None:
    """Write a model's kernels in KernelBench's layout.

    Raises:
        UserError: see ``eval.export``; or the run has not been evaluated.
    """
    from eval.export import export as exported

    count = exported(_rows(run, model), _tasks(run), model, out)
    print(f"{count} kernels in {out}")


def crosscheck(run: Path, model: str, level: int, file: Path) -> None:
    """Print on which kernels KernelBench's harness and the judge disagree.

    Raises:
        UserError: see ``eval.crosscheck``; or the run has not been evaluated.
    """
    from eval.crosscheck import crosscheck as checked

    found = checked(_rows(run, model), _tasks(run), model, level, file)
    print(f"{found.compared} kernels compared, {len(found.differences)} differ", end="")
    print(f"; only theirs: {found.only_theirs}, only ours: {found.only_ours}")
    for d in found.differences:
        print(f"  {d.task}, sample {d.sample}: KernelBench {d.theirs}, judge {d.ours}")


def _rows(run: Path, model: str) -> list[dict[str, Any]]:
    rows = list(read_rows(run / "evaluate"))
    _known(model, {row["model"]: None for row in rows}, run)
    return [row for row in rows if row["model"] == model]


def _tasks(run: Path) -> Iterator[Task]:
    from eval.report_data import posed

    return (from_row(Task, row) for row in posed(run).values())


def _model(found: Mapping[str, Any], wanted: str | None, path: Path) -> str:
    """Return the model that is meant: the only one, or the student, where none is named."""
    models = list(found["models"])
    if wanted is None and (len(models) == 1 or "student" in models):
        return "student" if "student" in models else models[0]
    if wanted is None:
        raise UserError(f"{path}: name one of its models: {', '.join(sorted(models))}")
    _known(wanted, found["models"], path)
    return wanted


def _known(model: str, models: Mapping[str, object], path: Path) -> None:
    if model not in models:
        near = nearest(model, models)
        hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(models))}"
        raise UserError(f"{path}: no model {model!r}; {hint}")
