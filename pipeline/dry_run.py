"""What a command would do: each stage's state, counts, two prompts and an estimate. Nothing is asked or run."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.agent.evolve import EvolveConfig
from pipeline.agent.prompting import translate
from pipeline.errors import UserError
from pipeline.estimate import ASSUMED_COMPLETION_TOKENS, Estimate, completion_tokens, estimate
from pipeline.recipe import Recipe, StageName
from pipeline.records import Task
from pipeline.runner import stage_state, wanted_stages
from pipeline.stages.generate import GenerateConfig
from pipeline.stages.tasks import read_source
from pipeline.store import read_manifest, read_rows
from pipeline.tables import from_row
from pipeline.training.config import TrainConfig

EXAMPLES = 2
TOKENS_PER_MODEL_TOKEN = 0.75  # how many of curation's words and marks a model's token comes to


def dry_run(recipe: Recipe, out: Path, last: StageName) -> None:
    """Print it all to stdout.

    Tasks come from the stage's table if it is complete, else from the source: then some may yet be rejected.

    Raises:
        UserError: the recipe lacks a section, or its tasks can't be read.
    """
    stages = wanted_stages(recipe, last)
    print(f"{recipe.name}: a dry run of {', '.join(stages)} in {out}")
    for stage in stages:
        print(f"{stage:>9}  {stage_state(recipe, out, stage)}")
    tested = stage_state(recipe, out, "tasks").startswith("complete")
    tasks = _tasks(recipe, out, tested=tested)
    _print_tasks(tasks, tested=tested)
    train = [task for task in tasks if task.split == "train"]
    if "generate" in stages and recipe.generate is not None:
        _print_generate(recipe, out, train)
    if "train" in stages and recipe.train is not None and recipe.train.method == "sft":
        _print_train(recipe.train, out, len(train))
    if "evaluate" in stages and recipe.evaluate is not None:
        held_out = min(len(tasks) - len(train), recipe.evaluate.limit or len(tasks))
        models = len(recipe.evaluate.trained) + len(recipe.evaluate.models)
        samples = recipe.evaluate.samples_per_task
        answers = held_out * models * samples
        print(f"\nevaluate: {held_out} held-out tasks x {models} models x {samples} samples = {answers:,} answers")
        if (strategies := recipe.evaluate.strategies) and recipe.evaluate.strategy_tokens is not None:
            most = held_out * models * len(strategies) * recipe.evaluate.strategy_tokens
            print(f"strategies {', '.join(strategies)}: at most about {most:,} completion tokens more")


def _print_train(config: TrainConfig, out: Path, n_tasks: int) -> None:
    """Print what training will need; a model that can't be read from here is no reason to end the dry run."""
    from pipeline.training.estimate import estimate as estimate_training
    from pipeline.training.estimate import matmul_speed

    if read_manifest(out / "curate") is not None:
        columns = pq.read_table(out / "curate" / "data.parquet", columns=["completion_tokens"])
        basis = "curate's samples"
        tokens = round(sum(columns["completion_tokens"].to_pylist()) / TOKENS_PER_MODEL_TOKEN)
    else:
        basis = f"a sample of {ASSUMED_COMPLETION_TOKENS:,} tokens a task"
        tokens = n_tasks * ASSUMED_COMPLETION_TOKENS
    print(f"\ntrain: {tokens:,} tokens ({basis})")
    try:
        lines = estimate_training(config, tokens, matmul_speed()).lines()
    except UserError as error:
        lines = [f"no estimate: {error}"]
    print("\n".join(f"  {line}" for line in lines))


def _tasks(recipe: Recipe, out: Path, *, tested: bool) -> list[Task]:
    if tested:
        return [from_row(Task, row) for row in read_rows(out / "tasks")]
    tasks = {task.id: task for task in read_source(recipe.tasks, recipe.seed) if isinstance(task, Task)}
    if not tasks:
        raise UserError(f"tasks: source {recipe.tasks.source!r} has no tasks")
    return list(tasks.values())


def _print_tasks(tasks: Sequence[Task], *, tested: bool) -> None:
    splits, categories = Counter(t.split for t in tasks), Counter(t.category for t in tasks)
    caution = "" if tested else " (not yet tested: some may be rejected)"
    print(f"\ntasks: {', '.join(f'{n:,} {split}' for split, n in splits.most_common())}{caution}")
    print("categories: " + ", ".join(f"{n:,} {category}" for category, n in categories.most_common(8)))


def _print_generate(recipe: Recipe, out: Path, tasks: Sequence[Task]) -> None:
    config = recipe.generate
    assert config is not None  # noqa: S101  (the caller has looked)
    for number, task in enumerate(tasks[:: max(1, len(tasks) // EXAMPLES)][:EXAMPLES], 1):
        print(f"\n--- prompt {number} of {EXAMPLES}: {task.name} ---")
        for message in translate(task):
            print(f"[{message.role}]\n{message.content.rstrip()}")
    length, origin = completion_tokens(config.teacher, out)
    least, most = estimate(config, tasks, length)
    print(f"\ngenerate: {len(tasks):,} tasks x {_shape(config)}")
    if config.verifiers is not None:
        print(f"reviews: {config.verifiers.reviews} requests for each answer that may be judged")
    print(f"an answer is taken to have {length:,} tokens ({origin})")
    _print_estimate("at least", least)
    _print_estimate("at most", most)
    limits = [f"{value:,} {name}" for name, value in config.budget if value is not None]
    if limits:
        print(f"budget: {' and '.join(limits)}; no request is begun beyond it")


def _shape(config: GenerateConfig) -> str:
    mode = config.mode
    if isinstance(mode, EvolveConfig):
        return f"{mode.proposals} proposals, at most {mode.generations} generations"
    average = " on average" if config.adaptive else ""
    return f"{config.samples_per_task} samples{average}, at most {config.max_turns} turns each"


def _print_estimate(label: str, figures: Estimate) -> None:
    dollars = "no price given" if figures.dollars is None else f"${figures.dollars:,.2f}"
    print(
        f"{label:>9}: {figures.requests:,} requests, {figures.prompt_tokens:,} prompt tokens, "
        f"{figures.completion_tokens:,} completion tokens, {dollars}"
    )
