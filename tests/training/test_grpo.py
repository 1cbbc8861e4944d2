"""GRPO: the judge's word moves the model; turns, credit and faults are what they should be."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from pipeline.agent.prompting import translate
from pipeline.errors import InfrastructureError, UserError
from pipeline.records import Check, Message, Sample, Task, Verdict
from pipeline.training import grpo, sft
from pipeline.training.config import GrpoSection, TrainConfig
from pipeline.training.models import load_tokenizer
from pipeline.training.rollouts import Rollouts
from tests.training.examples import config, silent, task

TASK = task("relu")
RIGHT, WRONG = "class ModelNew:\n    kernel = 'right'\n", "class ModelNew:\n    kernel = 'wrong'\n"


class JudgeOfOneWord:
    """Accepts the kernel with the right word in it; stands in for compiling and running."""

    backend = "simt"
    version = "test"

    def __init__(self, faults: int = 0) -> None:
        self.asked: list[str] = []
        self.faults = faults

    def submit(self, task: Task, code: str, candidate_id: str) -> "Future[Verdict]":
        self.asked.append(code)
        future: Future[Verdict] = Future()
        if len(self.asked) <= self.faults:
            future.set_exception(InfrastructureError("the compiler is gone"))
            return future
        status, reason = ("correct", None) if "'right'" in code else ("incorrect", "values")
        checks = (Check(name="values", passed=reason is None, detail=None if reason is None else "first wrong: 3"),)
        future.set_result(
            Verdict.model_validate(
                {
                    "candidate_id": candidate_id,
                    "status": status,
                    "reason": reason,
                    "checks": checks,
                    "backend": "simt",
                    "judge_version": "1",
                }
            )
        )
        return future


def answer(code: str) -> Sample:
    return Sample(
        task_id=TASK.id, candidate_id=code, verdict_id=code, category="elementwise", prompt=translate(TASK),
        completion=(Message(role="assistant", content=f"```python\n{code}```", reasoning="It is relu."),),
        reasoning_tokens=3, completion_tokens=20,
    )  # fmt: skip


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gives the right and the wrong answer about equally often."""
    directory = tmp_path_factory.mktemp("undecided")
    section = config(sft={"max_steps": 200, "save_steps": 200, "learning_rate": 5e-3})
    sft.train([answer(RIGHT), answer(WRONG)], section, directory, 0, silent)
    return directory / "student"


def learning(model: Path, **changes: Any) -> TrainConfig:
    trl = {
        "max_steps": 20, "num_generations": 16, "per_device_train_batch_size": 16, "max_completion_length": 90,
        "learning_rate": 2e-3, "logging_steps": 1, "save_steps": 100, **changes.pop("trl", {}),
    }  # fmt: skip
    section = {"method": "grpo", "model": {"kind": "hub", "name": str(model)}, "max_length": 600}
    return TrainConfig.model_validate({**section, "grpo": {"trl": trl, **changes}})


def test_the_judges_word_moves_the_model(undecided: Path, tmp_path: Path):
    outcome = grpo.train([TASK], learning(undecided), JudgeOfOneWord(), tmp_path, 0, silent)
    rewards = [step["reward"] for step in outcome["steps"]]
    assert 0.2 < sum(rewards[:4]) / 4 < 0.7
    assert sum(rewards[-4:]) / 4 > 0.8
    assert set(outcome["stats"]["verdicts"]) <= {"correct", "incorrect", "malformed"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["student", "untrained"]


def test_interrupted_it_goes_on_as_if_it_had_not_been(undecided: Path, tmp_path: Path):
    class Killed(Exception):  # noqa: N818
        pass

    def until_the_fifth_step(step: int, *_: object) -> None:
        if step == 5:
            raise Killed

    section = learning(undecided, trl={"max_steps": 6, "save_steps": 2})
    whole = grpo.train([TASK], section, JudgeOfOneWord(), tmp_path / "whole", 0, silent)
    with pytest.raises(Killed):
        grpo.train([TASK], section, JudgeOfOneWord(), tmp_path / "torn", 0, until_the_fifth_step)
    again: list[int] = []
    resumed = grpo.train([TASK], section, JudgeOfOneWord(), tmp_path / "torn", 0, lambda step, *_: again.append(step))
    assert again == [5, 6]
    curves = [[(s["reward"], s["loss"], s["grad_norm"]) for s in outcome["steps"]] for outcome in (whole, resumed)]
    assert curves[0] == curves[1]
    assert resumed["stats"]["verdicts"] == whole["stats"]["verdicts"]  # those of the steps before the kill, too


class Scripted:
    """Stands in for TRL's trainer: writes given answers, and keeps the prompts it was given."""

    def __init__(self, tokenizer: Any, answers: list[list[str]]) -> None:
        self.tokenizer = tokenizer
        self.answers = iter(answers)
        self.prompts: list[list[str]] = []

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any) -> tuple[list[list[int]], None]:
        self.prompts.append([self.tokenizer.decode(ids) for ids in prompt_ids])
        texts = [f"<think>\nIt is.\n</think>\n\n```python\n{code}```" for code in next(self.answers)]
        return [[*self.tokenizer(t)["input_ids"], self.tokenizer.eos_token_id] for t in texts], None


def test_turns_show_what_was_found_and_a_right_answer_begins_anew(undecided: Path):
    tokenizer = load_tokenizer(str(undecided))
    rollouts = Rollouts({TASK.id: TASK}, tokenizer, JudgeOfOneWord(), GrpoSection(turns=3, discount=0.5))
    trainer = Scripted(tokenizer, [[WRONG, RIGHT], [WRONG, WRONG], [RIGHT, RIGHT]])
    got = rollouts([TASK.id] * 6, trainer)
    assert got["score"] == [0.25, 0.5, 1.0, 1.0, 0.5, 1.0]
    first, second, third = trainer.prompts
    assert first[0] == first[1] == second[1]  # the second place was right at once: its next answer is a first one
    assert "first wrong: 3" in second[0]
    assert "first wrong: 3" in third[0]
    assert "first wrong: 3" in third[1]
    shown = [tokenizer.decode(ids) for ids in got["prompt_ids"]]
    assert shown == [first[0], second[0], third[0], first[1], second[1], third[1]]
    assert [RIGHT in tokenizer.decode(ids) for ids in got["completion_ids"]] == [
        False,
        False,
        True,
        True,
        False,
        True,
    ]


def test_a_fault_of_the_judge_is_no_reward_and_many_are_an_error(undecided: Path):
    tokenizer = load_tokenizer(str(undecided))
    rollouts = Rollouts({TASK.id: TASK}, tokenizer, JudgeOfOneWord(faults=1), GrpoSection())
    assert rollouts([TASK.id] * 2, Scripted(tokenizer, [[RIGHT, RIGHT]]))["score"] == [None, 1.0]
    broken = Rollouts({TASK.id: TASK}, tokenizer, JudgeOfOneWord(faults=99), GrpoSection())
    trainer = Scripted(tokenizer, [[RIGHT, RIGHT]] * 3)
    assert broken([TASK.id] * 2, trainer)["score"] == [None, None]
    broken([TASK.id] * 2, trainer)
    with pytest.raises(InfrastructureError, match="the compiler is gone"):
        broken([TASK.id] * 2, trainer)


def test_what_the_judge_failed_on_is_left_out_of_the_baseline_too(undecided: Path, tmp_path: Path):
    """Half of the answers are never judged: the mean reward is that of the others, which zeros would halve."""
    judge = JudgeOfOneWord(faults=8)
    section = learning(undecided, trl={"max_steps": 1})
    outcome = grpo.train([TASK], section, judge, tmp_path, 0, silent)
    right = sum("'right'" in code for code in judge.asked[8:])
    assert right > 0
    assert outcome["stats"]["verdicts"]["judge_failed"] == 8
    assert outcome["steps"][0]["reward"] == pytest.approx(right / 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": "kevin"}, r"train.grpo.reward: kevin needs measured speed"),
        ({"turns": 3}, r"train.grpo.trl.num_generations: 16 is not a multiple of grpo.turns \(3\)"),
        (
            {"trl": {"num_generation": 8}},
            r"train.grpo.trl.num_generation: unknown key; did you mean num_generations\?",
        ),
        ({"trl": {"steps_per_generation": 4, "save_steps": 6}}, r"save_steps: must be a multiple of 4"),
        ({"trl": {"max_completion_length": 599}}, r"train.max_length: no prompt of 1 tasks has at most 1 tokens"),
    ],
)
def test_a_mistake_in_the_recipe_is_one_line(undecided: Path, tmp_path: Path, changes: dict[str, Any], message: str):
    with pytest.raises(UserError, match=message):
        grpo.train([TASK], learning(undecided, **changes), JudgeOfOneWord(), tmp_path, 0, silent)
