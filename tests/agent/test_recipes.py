"""The recipes of the agent's modes, run offline with the scripted teacher; a stand-in judges by the same rules."""

import sys
from concurrent.futures import Future
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from rich.console import Console

from pipeline.progress import StageProgress
from pipeline.recipe import Recipe, load_recipe
from pipeline.records import Candidate, Check, Task, Verdict
from pipeline.stages import StageContext, generate, tasks
from pipeline.store import StageStore, read_rows
from pipeline.tables import from_row, to_row
from pipeline.teachers.scripting.plan import read_plan
from pipeline.teachers.scripting.reviewing import find_error


class KilledError(Exception):
    """Stands for the end of the process."""


class RuleJudge:
    """Accepts what the scripted teacher's own rules find no error in; ``left`` verdicts until it is interrupted."""

    left: int = 10**9
    workers = 1
    version = "1"

    def __init__(self, config: Any) -> None:
        self.backend = "simt"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        type(self).left -= 1
        if self.left < 0:
            raise KilledError
        plan = read_plan(task.reference)
        errors = [error for wanted in ("compile", "memory", "numerics") if (error := find_error(plan, code, wanted))]
        check = Check(
            name="own_kernels", passed=not errors, detail=errors[0] if errors else None, figures={"launches": 1}
        )
        verdict = Verdict(
            candidate_id=candidate_id,
            status="incorrect" if errors else "correct",
            reason="wrong_values" if errors else None,
            checks=(check,),
            backend="simt",
            judge_version="1",
        )
        future: Future[Verdict] = Future()
        future.set_result(verdict)
        return future


@pytest.fixture(autouse=True)
def judge(monkeypatch) -> type[RuleJudge]:
    monkeypatch.setitem(sys.modules, "pipeline.judge.judge", SimpleNamespace(Judge=RuleJudge))
    monkeypatch.setattr(RuleJudge, "left", 10**9)
    return RuleJudge


def prepared(name: str, out: Path, *overrides: str) -> Recipe:
    recipe = load_recipe(Path("recipes") / f"{name}.yaml", ["tasks.train=4", "tasks.heldout=1", *overrides])
    assert recipe.tasks is not None
    with StageStore(out / "tasks", tasks.SCHEMA, {}) as store:
        for task in tasks.read_source(recipe.tasks, recipe.seed):
            assert isinstance(task, Task)
            store.append(task.id, to_row(task))
        store.seal()
    return recipe


def generated(recipe: Recipe, out: Path, *, seal: bool = True) -> dict[str, Any]:
    with StageStore(out / "generate", generate.SCHEMA, {}) as store:
        progress = StageProgress("generate", Console(file=StringIO()))
        stats = generate.run(StageContext(recipe, out, store, progress))
        if seal:
            store.seal(stats)
    return stats


def candidates(out: Path) -> list[Candidate]:
    return [from_row(Candidate, row) for row in read_rows(out / "generate")]


def test_evolve_betters_kernels_offline_and_claims_no_speed(tmp_path):
    recipe = prepared("evolve", tmp_path)
    stats = generated(recipe, tmp_path)
    found = stats["evolution"]
    assert "speed is not measured" in found["measured"]
    assert found["tasks_with_a_right_kernel"] == 4
    assert found["best_of_all"] < found["best_of_first_right_generation"]
    assert found["tasks_improved"] >= 3
    reviews = stats["verifiers"]
    assert reviews["judge_calls_saved"] > 0
    assert (
        reviews["agreement_with_verdicts_here"]["overall"]["n"] + reviews["judge_calls_saved"] == reviews["reviewed"]
    )
    asked = stats["requests"]
    assert (
        asked["prompt_tokens"] == stats["prompt_tokens"] + reviews["prompt_tokens"]
    )  # each is paid for in one place
    assert asked["completion_tokens"] == stats["completion_tokens"] + reviews["completion_tokens"]


@pytest.mark.parametrize(("name", "verdicts"), [("evolve", 3), ("evolve", 14), ("translate_verified", 6)])
def test_a_run_that_was_killed_ends_as_one_that_was_not(name, verdicts, judge, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    stats = generated(prepared(name, whole), whole)
    recipe = prepared(name, killed)
    judge.left = verdicts
    with pytest.raises(KilledError):
        generated(recipe, killed)
    judge.left = 10**9
    again = generated(recipe, killed)
    assert [c.id for c in candidates(killed)] == [c.id for c in candidates(whole)]
    assert again["by_turn"] == stats["by_turn"]
    assert again["verifiers"]["agreement_with_verdicts_here"] == stats["verifiers"]["agreement_with_verdicts_here"]


def test_adaptive_gives_hard_tasks_what_easy_ones_leave(tmp_path):
    recipe = prepared(
        "translate_verified", tmp_path, "tasks.train=8", "generate.max_turns=1", "generate.verifiers=null"
    )
    stats = generated(recipe, tmp_path)
    bins = stats["difficulty"]
    assert sum(found["units"] for found in bins.values()) == stats["candidates"] <= 8 * 4
    assert bins["easy"]["units"] == 2 * bins["easy"]["tasks"] > 0
    assert bins["hard"]["units"] > 4 * bins["hard"]["tasks"] > 0


@pytest.mark.parametrize("name", ["evolve", "translate_verified"])
def test_a_budget_of_tokens_ends_the_stage(name, tmp_path):
    recipe = prepared(
        name, tmp_path, "generate.budget.tokens=9000", "generate.concurrency=1", "generate.judge_queue=0"
    )
    stats = generated(recipe, tmp_path)
    spent = stats["requests"]
    assert 9000 <= spent["prompt_tokens"] + spent["completion_tokens"] < 9000 + 3000  # one request's more at most
    assert "spent" in stats["budget"]


def test_a_key_of_the_other_mode_is_one_line(tmp_path):
    from pipeline.errors import UserError

    for override, message in [
        ("generate.max_turns=2", "max_turns is translate's"),
        ("generate.mode.generation=2", r"generate.mode.generation: unknown key; did you mean generations\?"),
        ("generate.mode.kind=revolve", "revolve"),
        ("generate.verifiers.rule=conformal", "belong together"),
    ]:
        with pytest.raises(UserError, match=message):
            prepared("evolve", tmp_path, override)
