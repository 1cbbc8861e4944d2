"""Reinforcement learning with TRL's GRPOTrainer and the judge as the reward; resumable at any moment."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.agent.prompting import SHIPPED, Prompts, translate
from pipeline.agent.verdicts import Judging
from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.training.arguments import decided_by_us, trl_arguments
from pipeline.training.chat import prompt_text
from pipeline.training.checking import check_reward
from pipeline.training.config import TrainConfig
from pipeline.training.counting import keeper
from pipeline.training.rollouts import Rollouts
from pipeline.training.running import CHECKPOINTS, Report, finished, lora, parameters, reporter, run_to_the_end, start

if TYPE_CHECKING:
    from trl.trainer.grpo_config import GRPOConfig


def train(
    tasks: Sequence[Task],
    config: TrainConfig,
    judge: Judging,
    directory: Path,
    seed: int,
    report: Report,
    prompts: Prompts = SHIPPED,
) -> dict[str, Any]:
    """Improve a model on tasks; leave ``untrained/`` and ``student/`` in the directory.

    Args:
        tasks: those to learn on, in any order.
        config: the recipe's section, of method ``grpo``.
        judge: decides on each answer.
        directory: the stage's folder.
        seed: of the order of tasks and of sampling.
        report: called after every optimizer step.
        prompts: what is asked with.

    Returns:
        ``steps``: one dictionary per logged step, and ``stats`` with counts of verdicts.

    Raises:
        UserError: a key or value that GRPOConfig does not take, a reward that needs a speed which this judge does not
            measure, or no task whose prompt leaves room for an answer.
    """
    import transformers
    from datasets import Dataset
    from trl.trainer.grpo_trainer import GRPOTrainer

    from pipeline.training.models import quiet_renaming

    if (outcome := finished(directory)) is not None:
        return outcome
    check_reward(config, judge.backend)
    arguments = grpo_config(config, directory / CHECKPOINTS, seed)
    transformers.set_seed(seed)
    model, tokenizer = start(config, ())
    room = config.max_length - (arguments.max_completion_length or 0)
    fitting = _fitting(tasks, prompts, tokenizer, config.max_length, room)
    rows = [{"prompt": task.id} for task in sorted(fitting, key=lambda task: task.id)]
    rollouts = Rollouts({task.id: task for task in fitting}, tokenizer, judge, config.grpo, prompts)
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # rollout_func is one of its experiments; versions are pinned
    logging.getLogger("trl.trainer.grpo_trainer").addFilter(not_about_undecided)
    with quiet_renaming():
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=judged,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=lora(config),
            callbacks=[reporter(report), keeper(rollouts.counts, directory / CHECKPOINTS)],
            rollout_func=rollouts,
        )
    stats = {"tasks": len(fitting), "dropped_over_length": len(tasks) - len(fitting)}
    return run_to_the_end(
        trainer, directory, lambda: {**stats, "verdicts": dict(rollouts.counts.most_common()), **parameters(trainer)}
    )


def _fitting(tasks: Sequence[Task], prompts: Prompts, tokenizer: Any, max_length: int, room: int) -> list[Task]:
    """Return the tasks whose prompts have at most ``room`` tokens and so leave some for the longest answer."""

    def length(task: Task) -> int:
        return len(tokenizer(prompt_text(tokenizer, translate(task, prompts)))["input_ids"])

    fitting = [task for task in tasks if length(task) <= room]
    if not fitting:
        raise UserError(
            f"train.max_length: no prompt of {len(tasks)} tasks has at most {room} tokens, which "
            f"max_completion_length leaves of {max_length}"
        )
    return fitting


def not_about_undecided(record: logging.LogRecord) -> bool:
    """Tell TRL's page-long warning about an answer without a reward from other lines; ``verdicts`` counts those."""
    return "All reward functions returned None" not in record.getMessage()


def judged(completions: Sequence[Any], score: Sequence[float | None], **_: Any) -> list[float | None]:
    """Return the credit that ``Rollouts`` has found for each answer, None where nothing is known about it."""
    assert len(completions) == len(score)  # noqa: S101
    return list(score)


def grpo_config(config: TrainConfig, output: Path, seed: int) -> "GRPOConfig":
    """Return TRL's configuration for the recipe's ``grpo.trl`` section.

    Raises:
        UserError: see ``trl_arguments``; trajectories that would be torn apart, or checkpoints in the middle of a
            batch of answers, after which a resumed run would go on with other answers.
    """
    from trl.trainer.grpo_config import GRPOConfig

    section, turns = "train.grpo.trl", config.grpo.turns
    arguments = trl_arguments(GRPOConfig, section, config.grpo.trl, decided_by_us(output, seed), config)
    if arguments.num_generations % turns:  # type: ignore[operator]
        raise UserError(
            f"{section}.num_generations: {arguments.num_generations} is not a multiple of grpo.turns ({turns}): each "
            "turn of a trajectory is one of them"
        )
    batch = arguments.per_device_train_batch_size * arguments.steps_per_generation  # type: ignore[operator]
    if batch % turns:
        raise UserError(
            f"{section}: per_device_train_batch_size x steps_per_generation ({batch}) is not a multiple of "
            f"grpo.turns ({turns})"
        )
    every = arguments.steps_per_generation * arguments.num_iterations  # type: ignore[operator]
    every = -(-every // arguments.gradient_accumulation_steps)
    if arguments.save_strategy == "steps" and arguments.save_steps % every:
        raise UserError(
            f"{section}.save_steps: must be a multiple of {every}, the optimizer steps of one batch of answers"
        )
    return arguments
