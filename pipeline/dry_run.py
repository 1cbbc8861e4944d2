"""What a command would do: each stage's state, counts, two prompts and an estimate. Nothing is asked or run."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from eval import kernels
from eval.config import EvaluateConfig
from eval.suite import Suite, source_of, tasks_of
from pipeline.agent.evolve import EvolveConfig
from pipeline.agent.prompting import SHIPPED, Prompts, translate
from pipeline.checks import check_splits, check_stages
from pipeline.errors import UserError
from pipeline.estimate import ASSUMED_COMPLETION_TOKENS, GenerationCost, completion_tokens, estimate
from pipeline.order import section_of, wanted_stages
from pipeline.recipe import Recipe, StageName
from pipeline.records import Task
from pipeline.runner import owed, stage_state
from pipeline.stages.generate import GenerateConfig
from pipeline.stages.tasks import read_source
from pipeline.store import read_manifest, read_rows
from pipeline.tables import from_row
from pipeline.teachers.journal import CHARACTERS_PER_TOKEN
from pipeline.training.config import TrainConfig
from pipeline.training.teaching import PREFERENCE

EXAMPLES = 2
TOKENS_PER_MODEL_TOKEN = 0.75  # how many of curation's words and marks a model's token comes to


def dry_run(recipe: Recipe, out: Path, last: StageName) -> None:
    """Print it all to stdout.

    Tasks come from the stage's table if it is complete, else from the source: then some may yet be rejected.

    Raises:
        UserError: the recipe lacks a section or shows to be wrong, or its tasks can't be read.
    """
    stages = wanted_stages(recipe, last)
    check_stages(recipe, owed(recipe, out, stages))
    print(f"{recipe.name}: a dry run of {', '.join(stages)} in {out}")
    for stage in stages:
        print(f"{stage:>9}  {stage_state(recipe, out, stage)}")
    tasks = _tasks(recipe, out) if "tasks" in stages else []
    check_splits(recipe, [task.split for task in tasks], stages)
    train = [task for task in tasks if task.split == "train"]
    if "generate" in stages and recipe.generate is not None:
        _print_generate(recipe, out, train)
    if "train" in stages and recipe.train is not None:
        _print_train(recipe, recipe.train, out, train)
    if "evaluate" in stages and recipe.evaluate is not None:
        _print_evaluate(recipe, recipe.evaluate, len(tasks) - len(train))


def _print_evaluate(recipe: Recipe, config: EvaluateConfig, held_out: int) -> None:
    """Print how many answers are asked for; finished kernels are there already."""
    config, suite = config.resolved()
    asked = len(config.trained) + sum(not isinstance(model, kernels.Config) for model in config.models.values())
    shape = f"{asked} models x {config.samples_per_task} samples"
    tasks = held_out if suite is None else _suite_size(suite, recipe.seed)
    if tasks is None:
        print(f"\nevaluate: the tasks of suite {config.suite}, which are on the Hub, x {shape}")
        return
    tasks = min(tasks, config.limit or tasks)
    of = "held-out tasks" if suite is None else f"tasks of suite {suite.name}"
    print(f"\nevaluate: {tasks} {of} x {shape} = {tasks * asked * config.samples_per_task:,} answers")
    if config.strategies and config.strategy_tokens is not None:
        most = tasks * asked * len(config.strategies) * config.strategy_tokens
        print(f"strategies {', '.join(config.strategies)}: at most about {most:,} completion tokens more")


def _suite_size(suite: Suite, seed: int) -> int | None:
    """Return how many tasks a suite has; None where they would have to be downloaded."""
    on_hub = getattr(source_of(suite), "path", "") is None
    return None if on_hub else sum(isinstance(found, Task) for found in tasks_of(suite, seed))


def _print_train(recipe: Recipe, config: TrainConfig, out: Path, tasks: Sequence[Task]) -> None:
    """Print what training will need; a model that can't be read from here is no reason to end the dry run."""
    from pipeline.training.estimate import estimate as estimate_training
    from pipeline.training.estimate import matmul_speed, passes

    examples, length, basis = _training_examples(recipe, config, out, tasks)
    tokens = round(examples * length * passes(config, examples))
    print(f"\ntrain by {config.method}: {tokens:,} tokens in all; {basis}")
    try:
        lines = estimate_training(config, tokens, matmul_speed()).lines()
    except UserError as error:
        lines = [f"no estimate: {error}"]
    if config.method == "grpo":
        lines.append("at least: answers are written slower than they are read, and each waits for its verdict")
    print("\n".join(f"  {line}" for line in lines))


def _training_examples(
    recipe: Recipe, config: TrainConfig, out: Path, tasks: Sequence[Task]
) -> tuple[int, float, str]:
    """Return how many samples, pairs or answers there are to train on, tokens of each, and what that rests on."""
    read = _prompt_tokens(tasks, recipe.generate.asked if recipe.generate else SHIPPED)
    if config.method == "grpo":
        from pipeline.training.estimate import answers_of_grpo

        answers = answers_of_grpo(config, len(tasks))
        length = min(ASSUMED_COMPLETION_TOKENS, config.grpo.trl.get("max_completion_length", 512))  # TRL's default
        return answers, length + read, f"{answers:,} answers of {length:,} tokens to prompts of {read:,}"
    written, origin = ASSUMED_COMPLETION_TOKENS, "assumed"
    if recipe.generate is not None:
        written, origin = completion_tokens(recipe.generate.teacher, out, tasks)
    length = min(read + written, config.max_length)
    origin = f"prompts of {read:,} and answers of {written:,}: {origin}"
    if config.model.kind == "scratch":
        origin += "; at most: a scratch student's own tokenizer makes one token of many"
    curated = read_manifest(out / "curate") is not None
    if config.method == "dpo":
        there = out / "curate" / f"{PREFERENCE}.parquet"
        wanted = recipe.curate.preference if recipe.curate else None
        pairs = pq.read_metadata(there).num_rows if curated and there.exists() else 0
        pairs = pairs or len(tasks) * (wanted.pairs_per_task if wanted else 1)
        return pairs, 2 * length, f"{pairs:,} pairs of samples of {length:,} tokens ({origin})"
    if curated:
        counts = pq.read_table(out / "curate" / "data.parquet", columns=["completion_tokens"])["completion_tokens"]
        mean = read + sum(counts.to_pylist()) / TOKENS_PER_MODEL_TOKEN / max(1, len(counts))
        return len(counts), mean, f"curate's {len(counts):,} samples of {mean:,.0f} tokens on average with prompts"
    return len(tasks), length, f"a sample of {length:,} tokens a task ({origin})"


def _prompt_tokens(tasks: Sequence[Task], prompts: Prompts) -> int:
    """Return the mean length of a first prompt."""
    characters = sum(len(m.content) for task in tasks for m in translate(task, prompts))
    return characters // CHARACTERS_PER_TOKEN // max(1, len(tasks))


def _tasks(recipe: Recipe, out: Path) -> list[Task]:
    """Return the tasks that there are, or those of the source, and print how many they are."""
    if tested := stage_state(recipe, out, "tasks").startswith("complete"):
        tasks = [from_row(Task, row) for row in read_rows(out / "tasks")]
    else:
        section = section_of(recipe, "tasks")
        found = {task.id: task for task in read_source(section, recipe.seed) if isinstance(task, Task)}
        if not found:
            raise UserError(f"tasks: source {section.source!r} has no tasks")
        tasks = list(found.values())
    _print_tasks(tasks, tested=tested)
    return tasks


def _print_tasks(tasks: Sequence[Task], *, tested: bool) -> None:
    splits, categories = Counter(t.split for t in tasks), Counter(t.category for t in tasks)
    caution = "" if tested else " (not yet tested: some may be rejected)"
    print(f"\ntasks: {', '.join(f'{n:,} {split}' for split, n in splits.most_common())}{caution}")
    print("categories: " + ", ".join(f"{n:,} {category}" for category, n in categories.most_common(8)))


def _print_generate(recipe: Recipe, out: Path, tasks: Sequence[Task]) -> None:
    config = recipe.generate
    assert config is not None  # noqa: S101  (the caller has looked)
    if config.prompts is not None:
        print(f"\nprompts: {config.prompts.path} replaces {', '.join(sorted(config.prompts.texts))}")
    shown = tasks[:: max(1, len(tasks) // EXAMPLES)][:EXAMPLES]
    for number, task in enumerate(shown, 1):
        print(f"\n--- prompt {number} of {len(shown)} that are shown: {task.name} ---")
        for message in translate(task, config.asked):
            print(f"[{message.role}]\n{message.content.rstrip()}")
    length, origin = completion_tokens(config.teacher, out, tasks)
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


def _print_estimate(label: str, figures: GenerationCost) -> None:
    known = "no price given" if figures.dollars is None else "free"
    dollars = f"${figures.dollars:,.2f}" if figures.dollars else known
    print(
        f"{label:>9}: {figures.requests:,} requests, {figures.prompt_tokens:,} prompt tokens, "
        f"{figures.completion_tokens:,} completion tokens, {dollars}"
    )
