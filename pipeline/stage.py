"""The command line: one command per stage, plus run, judge, show, report and doctor.

    python -m pipeline.stage STAGE RECIPE.yaml [--out DIR] [key=value ...]

Everything heavy is imported inside the commands, so that --help answers at once.
"""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from eval.command_line import app as results_app
from pipeline.command_line import one_line_errors
from pipeline.errors import UserError
from pipeline.output import to_write

app = typer.Typer(
    help="From PyTorch tasks to an evaluated model that writes CUDA kernels. A stage first runs the stages it needs "
    "that are not complete; a complete one is skipped.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rendering it with rich takes as long as all the rest
)

RecipePath = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", metavar="RECIPE.yaml")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Changes to the recipe, e.g. generate.samples_per_task=4.", metavar="KEY=VALUE"),
]
Out = Annotated[Path | None, typer.Option(help="The run's directory (default: runs/<name of the recipe>).")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print counts, two prompts and the cost to expect; ask and run nothing."),
]

STAGES = {
    "tasks": "Collect tasks and test their references. Each is run twice before it is accepted.",
    "generate": "Have a teacher write kernels in the agent loop.",
    "verify": "Judge every candidate.",
    "curate": "Choose the samples worth training on.",
    "train": "Fine-tune a model on them.",
    "evaluate": "Judge models on the held-out tasks, or on a suite. Also writes the report.",
    "publish": "Write the dataset as a folder for the Hub. With --to, send it there.",
}


def _stage_command(stage: str) -> Callable[..., None]:
    def command(recipe: RecipePath, overrides: Overrides = None, out: Out = None, dry_run: DryRun = False) -> None:
        _run(recipe, overrides or [], out, stage, dry_run=dry_run)

    return one_line_errors(command)


for _name, _help in STAGES.items():
    if _name != "publish":
        app.command(_name, help=_help)(_stage_command(_name))


@app.command(help=STAGES["publish"])
@one_line_errors
def publish(  # noqa: PLR0913, PLR0917  (the options of a command)
    recipe: RecipePath,
    overrides: Overrides = None,
    out: Out = None,
    to: Annotated[
        str | None, typer.Option(help="Send it to this repository on the Hub.", metavar="OWNER/NAME")
    ] = None,
    model: Annotated[bool, typer.Option("--model", help="The student, in place of the dataset.")] = False,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    revision: Annotated[str | None, typer.Option(help="A branch, made if it is missing.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")] = False,
) -> None:
    """Run the stage publish, then send its folders to the repositories that are named."""
    from pipeline.publishing.sending import check_sending, send_run
    from pipeline.recipe import load_recipe
    from pipeline.runner import refuse_incomplete

    section = "publish.model" if model else "publish"
    changes = list(overrides or [])
    written = load_recipe(recipe, changes).publish
    if model and (written is None or written.model is None):
        changes.append("publish.model={}")
    given = {"to": to, "private": private or None, "revision": revision}
    changes += [f"{section}.{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    kinds = ("model",) if model else ("dataset",) if to else ("dataset", "model")
    loaded = load_recipe(recipe, changes)
    named = check_sending(loaded.publish, kinds, dry_run=dry_run)
    if not named and (private or revision):
        raise UserError("publish: --private and --revision are for a repository, which --to or publish.to names")
    if dry_run:
        refuse_incomplete(loaded, out or Path("runs") / loaded.name, "publish")
    directory = _run(recipe, changes, out, "publish", dry_run=False)
    send_run(directory, loaded.publish, kinds, dry_run=dry_run)


@app.command()
@one_line_errors
def run(recipe: RecipePath, overrides: Overrides = None, out: Out = None, dry_run: DryRun = False) -> None:
    """Run every stage that the recipe has a section for. Then print the result."""
    from pipeline.order import last_stage
    from pipeline.recipe import load_recipe
    from pipeline.showing import show_result

    last = last_stage(load_recipe(recipe, overrides or []))
    directory = _run(recipe, overrides or [], out, last, dry_run=dry_run)
    if not dry_run:
        show_result(directory)


@app.command()
@one_line_errors
def iterate(recipe: RecipePath, overrides: Overrides = None, out: Out = None) -> None:
    """Expert iteration: each student is the next round's teacher. Every round is measured."""
    from pipeline.iteration import iterate as run_rounds
    from pipeline.recipe import load_recipe
    from pipeline.showing import show_rounds

    loaded = load_recipe(recipe, overrides or [])
    show_rounds(run_rounds(loaded, out or Path("runs") / loaded.name))


@app.command()
@one_line_errors
def ablate(recipe: RecipePath, overrides: Overrides = None, out: Out = None) -> None:
    """ConCuR's ablation: a student for each way to choose samples. All answer the same held-out tasks."""
    from pipeline.ablation import ablate as run_arms
    from pipeline.recipe import load_recipe
    from pipeline.showing import show_ablation

    loaded = load_recipe(recipe, overrides or [])
    show_ablation(run_arms(loaded, out or Path("runs") / loaded.name))


@app.command()
@one_line_errors
def show(
    directory: Annotated[Path, typer.Argument(help="A run's directory.", metavar="DIR")],
    candidate: Annotated[str | None, typer.Option(help="A candidate's id, or how it starts: its history.")] = None,
    html: Annotated[Path | None, typer.Option(help="Where the page with the history goes.")] = None,
) -> None:
    """Print what each stage kept, what it rejected and why. Also while the run goes on."""
    if candidate is None and html is None:
        from pipeline.showing import show as print_run

        print_run(directory)
    elif candidate and html:
        from pipeline.history import write_history

        print(f"{html}: {write_history(directory, candidate, html)} candidates")
    else:
        raise UserError("show: --candidate and --html belong together")


@app.command()
@one_line_errors
def report(
    directory: Annotated[Path, typer.Argument(help="A run's directory or a published dataset.", metavar="DIR")],
    file: Annotated[Path | None, typer.Option(help="Where to write the page.", metavar="PAGE.html")] = None,
) -> None:
    """Write a page about a dataset: figures, and some of its rows."""
    from pipeline.reporting.page import write_page

    print(write_page(directory, file))


@app.command()
@one_line_errors
def doctor(
    recipe: Annotated[Path | None, typer.Argument(help="Also reach the servers that it names.")] = None,
) -> None:
    """Say what this machine has, and what each absence costs."""
    from pipeline.doctor import doctor as examine

    raise typer.Exit(examine(recipe))


@app.command()
@one_line_errors
def judge(  # noqa: PLR0913, PLR0917  (the options of a command)
    task: Annotated[Path | None, typer.Option(help="A KernelBench module.")] = None,
    candidate: Annotated[Path | None, typer.Option(help="A module with ModelNew, or a bare .cu.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="JSON lines: id, task, candidate (sources).")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the verdicts of --pairs go, as JSON lines.")] = None,
    backend: Annotated[str, typer.Option(help="auto, cuda, simt or none.")] = "auto",
    policy: Annotated[str, typer.Option(help="strict or report.")] = "strict",
    seeds: Annotated[str, typer.Option(help="fresh, or a verdict's seeds to get its inputs again.")] = "fresh",
    sandbox: Annotated[str, typer.Option(help="auto, or none to run candidates unprotected.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one JSON object only.")] = False,
    serve: Annotated[str | None, typer.Option(help="Judge over HTTP here.", metavar="HOST:PORT")] = None,
    token_env: Annotated[str | None, typer.Option(help="The environment variable with the server's token.")] = None,
    queue: Annotated[int, typer.Option(min=1, help="How many requests may wait at the server.")] = 256,
) -> None:
    """Judge one candidate, or many. Exit code 0: accepted, 1: rejected, 2: usage or our own fault."""
    from pipeline.judge.commands import judge_one, judge_pairs

    options = {"backend": backend, "policy": policy, "seeds": seeds, "sandbox": sandbox}
    if task and candidate and not pairs:
        raise typer.Exit(judge_one(task, candidate, options, as_json=as_json))
    if pairs and out and not (task or candidate):
        to_write(out)
        raise typer.Exit(judge_pairs(pairs, out, options))
    if serve and not (task or candidate or pairs or out):
        from pipeline.judge.commands import judge_over_http

        judge_over_http(serve, token_env, queue, options)
        return
    raise UserError("judge: give --task and --candidate, or --pairs and --out, or --serve and --token-env")


def _run(recipe: Path, overrides: list[str], out: Path | None, stage: str, *, dry_run: bool) -> Path:
    from pipeline.recipe import load_recipe
    from pipeline.runner import run_stages

    loaded = load_recipe(recipe, overrides)
    directory = out or Path("runs") / loaded.name
    if dry_run:
        from pipeline.dry_run import dry_run as describe

        describe(loaded, directory, stage)  # type: ignore[arg-type]  (the keys of STAGES)
    else:
        run_stages(loaded, directory, stage)  # type: ignore[arg-type]
    return directory


app.registered_commands += results_app.registered_commands

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()
