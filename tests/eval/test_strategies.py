"""Test-time strategies under one budget: what each asks, that none spends more, and that a run can go on."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from eval.config import EvaluateConfig, Strategy
from eval.trials import SCHEMA, TABLE, Trial, Trials
from pipeline.agent.loop import Helpers
from pipeline.agent.verdicts import RememberingJudge
from pipeline.errors import RefusedError, TeacherError
from pipeline.records import Message, Task
from pipeline.store import StageStore
from pipeline.teachers import Reply
from tests.agent.stand_ins import NumberJudge, NumberTeacher

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
TASKS = [Task(name=f"t{i}", reference=f"class Model: size = {i}", category="c", source="s") for i in range(4)]
ANSWER = 20  # completion tokens of an answer of NumberTeacher


class Stubborn(NumberTeacher):
    """Never right before the n-th request about a task, whoever asks; ``fails`` at a call with that error."""

    def __init__(self, right_from: int, fails: dict[int, Exception] | None = None) -> None:
        super().__init__()
        self.right_from, self.fails = right_from, fails or {}
        self.requests: list[tuple[str, int]] = []
        self.counts: Counter[str] = Counter()

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        self.requests.append((messages[-1].content, seed))
        if fault := self.fails.get(len(self.requests)):
            raise fault
        task = next(line for line in messages[0].content.splitlines() if "size =" in line)
        self.counts[task] += 1
        number = 3 * len(self.requests) + (self.counts[task] >= self.right_from)
        return Reply(f"```python\nclass ModelNew: number = {number}\n```", None, "stop", 10, ANSWER, {"seed": seed})


def run(
    folder: Path, teacher: NumberTeacher, strategy: Strategy, budget: int, tasks: list[Task] = TASKS
) -> tuple[list[dict[str, Any]], list[TeacherError]]:
    with StageStore(folder, SCHEMA, {}, {TABLE: SCHEMA}) as store, RememberingJudge(NumberJudge(), folder) as judge:
        trials = Trials(store, "m", Helpers(teacher, judge, None, 1), budget, {}, lambda: None)
        owed = asyncio.run(trials.run([Trial(strategy, task) for task in tasks], 2))
        return list(store.rows(TABLE)), owed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_budget_is_spent_and_not_more(strategy: Strategy, tmp_path: Path):
    rows, owed = run(tmp_path, Stubborn(right_from=99), strategy, 5 * ANSWER + 1)
    assert not owed
    assert Counter(row["task_id"] for row in rows) == {task.id: 6 for task in TASKS}  # the sixth oversteps
    assert {row["tokens"] for row in rows} == {ANSWER}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_ends_with_a_right_answer_where_no_speed_is_measured(strategy: Strategy, tmp_path: Path):
    rows, _ = run(tmp_path, Stubborn(right_from=6), strategy, 99 * ANSWER, TASKS[:1])
    assert [row["accepted"] for row in rows].index(True) == 5
    assert len(rows) == (8 if strategy == "evolve" else 6)  # evolution asks for a whole generation at once


def test_the_first_request_is_the_same_and_what_follows_is_the_strategys(tmp_path: Path):
    asked: dict[str, list[tuple[str, int]]] = {}
    turns: dict[str, set[int]] = {}
    for strategy in STRATEGIES:
        teacher = Stubborn(right_from=99)
        rows, _ = run(tmp_path / strategy, teacher, strategy, 8 * ANSWER, TASKS[:1])
        asked[strategy] = teacher.requests
        turns[strategy] = {row["turn"] for row in rows}
    assert len({requests[0] for requests in asked.values()}) == 1
    assert turns == {"parallel": {0}, "sequential": set(range(8)), "beam": {0, 1}, "evolve": {0, 1}}
    assert len({text for text, _ in asked["parallel"]}) == 1
    assert len({text for text, _ in asked["sequential"]}) == 8


def test_a_beam_goes_on_from_what_came_furthest(tmp_path: Path):
    class Uneven(NumberTeacher):
        async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
            self.asked.append(messages[-1].content)
            wrong = f"```python\nclass ModelNew: number = {3 * len(self.asked)}\n```"
            return Reply(wrong if len(self.asked) == 2 else "no code", None, "stop", 10, ANSWER)

    teacher = Uneven()
    rows, _ = run(tmp_path, teacher, "beam", 8 * ANSWER, TASKS[:1])
    second = next(row["id"] for row in rows if (row["turn"], row["sample"]) == (0, 1))
    parents = [row["parents"] for row in rows if row["turn"] == 1]
    assert parents[0] == parents[2] == [second]  # the best line is first of the two that are kept


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_run_that_goes_on_asks_only_for_what_is_missing(strategy: Strategy, tmp_path: Path):
    whole, _ = run(tmp_path / "whole", Uniform(), strategy, 6 * ANSWER)
    failing = Uniform({7: TeacherError("down"), 9: TeacherError("down")})
    part, owed = run(tmp_path / "parts", failing, strategy, 6 * ANSWER)
    assert owed
    again = Uniform()
    rest, owed = run(tmp_path / "parts", again, strategy, 6 * ANSWER)
    assert not owed
    assert rest == whole
    assert len(again.requests) == len(whole) - len(part)


class Uniform(Stubborn):
    """Its answer depends on the request alone."""

    def __init__(self, fails: dict[int, Exception] | None = None) -> None:
        super().__init__(99, fails)

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        await super().complete(messages, seed)
        return Reply(f"```python\nclass ModelNew: number = {3 * seed}\n```", None, "stop", 10, ANSWER)


def test_a_refusal_ends_a_trial_and_nothing_else(tmp_path: Path):
    rows, owed = run(tmp_path, Stubborn(99, {1: RefusedError("too long")}), "sequential", 3 * ANSWER)
    assert not owed
    assert len({row["task_id"] for row in rows}) == len(TASKS) - 1


def test_strategies_and_their_budget_belong_together():
    with pytest.raises(ValueError, match="belong together"):
        EvaluateConfig.model_validate({"strategies": ["beam"]})
    with pytest.raises(ValueError, match="'parallel', 'sequential', 'beam' or 'evolve'"):
        EvaluateConfig.model_validate({"strategies": ["beem"], "strategy_tokens": 9})
