"""Tasks, generate and verify in a row, against a real chat server and a stand-in for the judge."""

import pytest
from pydantic import TypeAdapter

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.recipe import TasksConfig
from pipeline.records import Task, Verdict
from pipeline.stages import generate, tasks, verify
from pipeline.store import REJECTED
from pipeline.tables import from_row
from tests.stages.generating import RIGHT, WRONG, StandInJudge, task
from tests.stages.generating import run as run  # noqa: PLC0414  (the fixture)
from tests.stages.generating import url as url  # noqa: PLC0414  (the fixture)


def test_tasks_keeps_what_can_be_used_and_names_the_rest(run, monkeypatch):
    run.source(monkeypatch, task("a"), task("again", reference="# a"), task("bad"))
    StandInJudge.faults["bad"] = TaskError("task_raises", "NameError: x\nat line 3")
    stats = run.stage(tasks)
    assert [row["name"] for row in run.rows("tasks")] == ["a"]
    assert {row["name"]: row["reason"] for row in run.rows("tasks", REJECTED)} == {
        "again": "duplicate",
        "bad": "task_raises",
    }
    assert stats["by_reason"] == {"duplicate": 1, "task_raises": 1}
    assert "rejected bad: task_raises: NameError: x at line 3\n" in run.console.getvalue()


@pytest.mark.parametrize("source", ["files", "composed"])
def test_the_source_that_the_recipe_names_is_read(source, tmp_path):
    (tmp_path / "mine.py").write_text("class Model: 0\ndef get_inputs(): 0\ndef get_init_inputs(): 0\n")
    section = {"source": source, **({"path": tmp_path} if source == "files" else {})}
    found = next(tasks.read_source(TypeAdapter(TasksConfig).validate_python(section), 0))
    assert isinstance(found, Task)
    assert found.source == source


def test_no_usable_task_is_the_users_error_also_the_second_time(run, monkeypatch):
    run.source(monkeypatch, task("bad"))
    StandInJudge.faults["bad"] = TaskError("task_raises", "NameError")
    for _ in range(2):
        with pytest.raises(UserError, match="first: bad: task_raises"):
            run.stage(tasks)


def test_a_fault_of_the_judge_is_owed_again(run):
    StandInJudge.faults["a"] = InfrastructureError("the worker died")
    with pytest.raises(InfrastructureError):
        run.stage(tasks)
    StandInJudge.faults.clear()
    assert run.stage(tasks)["tasks"] == 3


def test_one_turn_asks_for_each_sample_of_the_training_tasks_and_judges_nothing(run):
    run.stage(tasks)
    run.configure(samples_per_task=3)
    run.plan({"content": "no"})
    stats = run.stage(generate)
    candidates = run.candidates()
    assert len({c.id for c in candidates}) == len(run.log()) == 6
    assert len({body["seed"] for body in run.log()}) == 6
    assert stats["by_status"] == {"complete": 5, "no_code": 1}
    assert (stats["prompt_tokens"], stats["completion_tokens"]) == (66, 42)
    assert {c.task_id for c in candidates} == {task("a").id, task("b").id}


def test_turns_are_repaired_until_correct(run):
    run.stage(tasks)
    run.configure(max_turns=3, concurrency=1)
    run.plan({"content": WRONG}, {"content": RIGHT}, {"content": WRONG}, {"content": WRONG}, {"content": WRONG})
    stats = run.stage(generate)
    assert stats["by_turn"] == {"0": 2, "1": 2, "2": 1}
    verified = run.stage(verify)
    assert verified["by_turn"] == {
        "0": {"candidates": 2, "correct": 0},
        "1": {"candidates": 2, "correct": 1},
        "2": {"candidates": 1, "correct": 0},
    }
    assert verified["tasks_solved"] == 1


def test_an_unanswered_request_is_asked_again_at_the_end_of_the_run(run):
    run.stage(tasks)
    run.configure(concurrency=1)
    run.plan({}, *[{"status": 500}] * 3)
    assert run.stage(generate)["candidates"] == 2
    assert len(run.log()) == 5


def test_what_stays_unanswered_is_owed_to_the_next_run(run):
    run.stage(tasks)
    run.configure(concurrency=1, max_turns=2)
    run.plan({"content": WRONG}, *[{"status": 500}] * 3, {"content": RIGHT}, *[{"status": 500}] * 3)
    with pytest.raises(UserError, match=r"1 of 2 rollouts got no answer.*status 500"):
        run.stage(generate)
    run.plan({"content": RIGHT})
    assert run.stage(generate)["by_turn"] == {"0": 2, "1": 1}
    assert len(run.log()) == 1


def test_a_refused_request_is_a_rejected_row(run):
    run.stage(tasks)
    run.configure(concurrency=1)
    run.plan({"status": 400}, {})
    assert run.stage(generate)["refused"] == 1
    (row,) = run.rows("generate", REJECTED)
    assert (row["reason"], row["sample"], row["turn"]) == ("refused", 0, 0)


def test_a_server_that_refuses_everything_is_the_users_error(run):
    run.stage(tasks)
    run.plan({"status": 400}, {"status": 400})
    with pytest.raises(UserError, match=r"refuses every request.*planned fault"):
        run.stage(generate)


def test_every_candidate_gets_a_verdict_and_is_judged_once(run):
    run.stage(tasks)
    run.configure(samples_per_task=2, concurrency=1)
    run.plan({"content": RIGHT}, {"content": WRONG}, {"content": "no"}, {"content": RIGHT})
    run.stage(generate)
    first = run.candidates()[0]
    name = next(t.name for t in (task("a"), task("b")) if t.id == first.task_id)
    StandInJudge.faults[name] = InfrastructureError("the worker died")
    with pytest.raises(InfrastructureError):
        run.stage(verify)
    StandInJudge.faults.clear()
    StandInJudge.judged.clear()
    stats = run.stage(verify)
    assert StandInJudge.judged == [first.id]
    assert stats["by_status"] == {"correct": 2, "malformed": 1, "incorrect": 1}
    assert stats["by_reason"] == {"no_code": 1, "wrong_value": 1}
    verdicts = {row["candidate_id"]: from_row(Verdict, row) for row in run.rows("verify")}
    assert set(verdicts) == {c.id for c in run.candidates()}
