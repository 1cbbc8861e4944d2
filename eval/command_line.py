"""The commands about results that are there: compare, merge, seeds, export, crosscheck. See ``pipeline.stage``."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.command_line import one_line_errors

app = typer.Typer()
Results = Annotated[Path, typer.Argument(help="A results.json, or the directory of a run.", metavar="RESULTS")]
RunDirectory = Annotated[Path, typer.Argument(help="A run's directory.", metavar="DIR")]
Model = Annotated[str, typer.Option(help="The model's name in the results.")]


@app.command()
@one_line_errors
def compare(
    a: Results,
    b: Results,
    model_a: Annotated[str | None, typer.Option(help="Which model of A.")] = None,
    model_b: Annotated[str | None, typer.Option(help="Which model of B.")] = None,
) -> None:
    """Say whether A is better than B. Paired bootstrap, wins and losses per task, McNemar's exact test."""
    from eval.commands import compare as print_comparison

    print_comparison(a, b, model_a, model_b)


@app.command()
@one_line_errors
def merge(
    results: list[Path], out: Annotated[Path, typer.Option(help="Where the merged results.json goes.")]
) -> None:
    """Merge the results of shards, or of models evaluated apart."""
    from eval.commands import merge as merge_results

    merge_results(results, out)


@app.command()
@one_line_errors
def seeds(
    results: list[Path],
    model: Annotated[list[str], typer.Option(help="A model of every run; several: in the order they came about.")],
    out: Annotated[Path | None, typer.Option(help="Also written there, as JSON.")] = None,
) -> None:
    """Put runs with other seeds together. Means, and differences of models, over seeds and tasks."""
    from eval.commands import seeds as print_summary

    print_summary(results, model, out)


@app.command()
@one_line_errors
def export(
    directory: RunDirectory, model: Model, out: Annotated[Path, typer.Option(help="KernelBench's runs/<run name>.")]
) -> None:
    """Write a model's kernels in KernelBench's layout. Its harness can then score the same ones."""
    from eval.commands import export as export_kernels

    export_kernels(directory, model, out)


@app.command()
@one_line_errors
def crosscheck(
    directory: RunDirectory,
    eval_results: Annotated[Path, typer.Argument(help="KernelBench's eval_results.json.")],
    model: Model,
    level: Annotated[int, typer.Option(help="The level that it is of.")],
) -> None:
    """List where KernelBench's harness and this judge disagree."""
    from eval.commands import crosscheck as print_differences

    print_differences(directory, model, level, eval_results)
