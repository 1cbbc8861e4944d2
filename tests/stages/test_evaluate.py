"""The evaluate stage with a stand-in for the judge: rows, figures, interruptions."""

import json
import re
from concurrent.futures import Future
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError
from rich.console import Console

from eval.config import EvaluateConfig
from eval.merging import merge
from eval.probing import left_out, usable
from eval.suite import Suite, load_suite
from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.history import write_history
from pipeline.judge.outputs import Fingerprint
from pipeline.progress import StageProgress
from pipeline.records import Check, Task, Verdict
from pipeline.stages import StageContext, evaluate
from pipeline.stages.evaluate import Evaluation, heldout
from pipeline.store import StageStore, read_rows
from pipeline.tables import schema_of, to_row
from pipeline.teachers import Reply, transformers
from tests.synthetic_run import CONSOLE, VERSIONS, recipe, write_stage
from tests.training.examples import OPERATORS, task, tiny_model


class Judge:
    """Accepts a module that names the task's operator; ``fails`` are its faults by number of the call."""

    backend, version = "simt", "1"

    def __init__(self, fails: dict[int, Exception] | None = None, dies: int = 0) -> None:
        self.calls: list[tuple[str, str]] = []
        self.fails = fails or {}
        self.executed: list[tuple[str, str]] = []
        self.dies = dies
        self.policies: list[str | None] = []

    def outputs(self, task: Task, code: str, number: int, policy: str | None = None) -> "Future[Any]":
        """What a kernel gives is told by the operator that it names; ``dies`` at a call is the judge's own fault."""
        future: Future[Any] = Future()
        self.executed.append((task.id, code))
        if len(self.executed) == self.dies:
            future.set_exception(InfrastructureError("died"))
            return future
        given = [Fingerprint(form=code.split("'")[1], leaves=[])] * (number - 1)
        future.set_result([*given, None])
        return future

    def submit(self, task: Task, code: str, candidate_id: str, policy: str | None = None) -> "Future[Verdict]":
        self.policies.append(policy)
        future: Future[Verdict] = Future()
        self.calls.append((task.name, code))
        if fault := self.fails.get(len(self.calls)):
            future.set_exception(fault)
            return future
        right = f"'{task.name}f(x)'" in code
        future.set_result(
            Verdict(
                candidate_id=candidate_id,
                status="correct" if right else "incorrect",
                reason=None if right else "values",
                checks=(Check(name="outputs", passed=right, detail="differs"),),
                backend="simt",
                judge_version="1",
            )
        )
        return future


class Writer(transformers.TransformersTeacher):
    """The student knows the operators of the first letters; the untrained model writes no code."""

    def answer(self, conversations: Any, seeds: Any) -> list[Reply]:
        student = self.config.model.endswith("student")
        return [self._one(m[0].content, seed) if student else Reply("huh", None, "length", 9, 3) for m, seed in
                zip(conversations, seeds, strict=True)]  # fmt: skip

    def _one(self, prompt: str, seed: int) -> Reply:
        name = next(o for o in OPERATORS if f"torch.{o}(" in prompt)
        known = name if name < "s" or seed % 2 else "exp"
        code = f"class ModelNew:\n    kernel = '{known}f(x)'\n"
        return Reply(f"<think>\nIt is {name}.\n</think>\n\n```python\n{code}```", None, "stop", 9, 3)


def evaluation(out: Path, store: StageStore, judge: Judge, **section: Any) -> Evaluation:
    values = {"samples_per_task": 3, "k": [1, 3], "batch_size": 3, **section}
    config = EvaluateConfig.model_validate(values)
    context = StageContext(recipe(evaluate=config), out, store, CONSOLE)
    return Evaluation(context, config, heldout(context, config.limit), cast("Any", judge), in_flight=2)


def tasks(out: Path, *, split: str = "heldout") -> None:
    rows = [task(operator, split) for operator in OPERATORS]
    write_stage(out, "tasks", schema_of(Task), {t.id: to_row(t) for t in rows})


def run(out: Path, judge: Judge, **section: Any) -> dict[str, Any]:
    if not (out / "tasks").exists():
        tasks(out)
    with StageStore(out / "evaluate", evaluate.SCHEMA, {}) as store:
        stats = evaluation(out, store, judge, **section).run("heldout")
        store.seal(stats, VERSIONS)
        return stats


@pytest.fixture(autouse=True)
def _written_answers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transformers, "TransformersTeacher", Writer)


def test_rows_results_and_report(tmp_path: Path):
    judge = Judge()
    stats = run(tmp_path, judge)
    rows = list(read_rows(tmp_path / "evaluate"))
    assert len(rows) == 2 * 3 * len(OPERATORS)
    untrained = [row for row in rows if row["model"] == "untrained"]
    assert {(r["verdict_status"], r["reason"], r["status"]) for r in untrained} == {
        ("malformed", "truncated", "truncated")
    }
    student = [row for row in rows if row["model"] == "student"]
    assert all(row["accepted"] == (row["verdict_status"] == "correct") for row in student)
    assert {row["detail"] for row in student} == {None, "differs"}
    assert all(row["reasoning"].startswith("It is ") and row["category"] == "elementwise" for row in student)
    found = json.loads((tmp_path / "evaluate" / "results.json").read_text())
    assert list(found["models"]) == ["student", "untrained"]  # JSON is written with sorted keys
    solved = sum(row["accepted"] for row in student) / len(student)
    assert found["models"]["student"]["pass_at_k"]["1"]["mean"] == pytest.approx(solved)
    assert 0.5 < solved < 1
    assert stats["untrained"]["pass_at_k"]["3"] == {
        "mean": 0.0, "low": 0.0, "high": pytest.approx(1 - 0.025 ** (1 / found["models"]["untrained"]["n_tasks"]))
    }  # fmt: skip
    assert (tmp_path / "evaluate" / "report.html").exists()


def test_the_same_answer_to_the_same_task_is_judged_once(tmp_path: Path):
    judge = Judge()
    run(tmp_path, judge, batch_size=8)
    assert len(judge.calls) == len(set(judge.calls)) < 3 * len(OPERATORS)


def test_interrupted_anywhere_it_ends_with_the_same_tables(tmp_path: Path):
    run(tmp_path / "whole", Judge())
    out = tmp_path / "parts"
    tasks(out)
    for call in (1, 2, 3):
        with StageStore(out / "evaluate", evaluate.SCHEMA, {}) as store, pytest.raises(ZeroDivisionError):
            evaluation(out, store, Judge({call: ZeroDivisionError()})).run("heldout")
    run(out, Judge())
    names = ("data.parquet", "results.json")
    assert [(out / "evaluate" / n).read_bytes() for n in names] == [
        (tmp_path / "whole" / "evaluate" / n).read_bytes() for n in names
    ]


def test_outputs_are_gathered_once_an_answer_and_what_is_there_stays(tmp_path: Path):
    tasks(tmp_path)
    store = lambda: StageStore(tmp_path / "evaluate", evaluate.SCHEMA, {}, evaluate.FURTHER)  # noqa: E731
    first, second, third = Judge(dies=3), Judge(), Judge()
    with store() as opened, pytest.raises(InfrastructureError):
        evaluation(tmp_path, opened, first, outputs=2).run("heldout")
    with store() as opened:
        stats = evaluation(tmp_path, opened, second, outputs=2).run("heldout")
        assert evaluation(tmp_path, opened, third, outputs=2).run("heldout") == stats
        opened.seal(stats, VERSIONS)
    assert not second.calls
    assert second.executed == [first.executed[2]]  # what the judge failed on
    assert not third.executed
    found = json.loads((tmp_path / "evaluate" / "results.json").read_text())["models"]["student"]
    rows = [row for row in read_rows(tmp_path / "evaluate") if row["model"] == "student"]
    assert len(first.executed) == len({(row["task_id"], row["code"]) for row in rows})
    for task_id, posed in found["tasks"].items():
        own = [row["code"] for row in rows if row["task_id"] == task_id]
        kinds = list(dict.fromkeys(own))
        assert [sample["outputs"] for sample in posed["samples"]] == [[kinds.index(code), None] for code in own]
    assert found["selection_by"] == "outputs"
    merged = merge([json.loads((tmp_path / "evaluate" / "results.json").read_text())])
    assert merged["models"]["student"]["selection"] == found["selection"]
    page = (tmp_path / "evaluate" / "report.html").read_text()
    assert "The rules see what two answers give on the same inputs" in page


def test_without_outputs_the_report_says_what_the_rules_see(tmp_path: Path):
    judge = Judge()
    run(tmp_path, judge)
    assert not judge.executed
    assert not (tmp_path / "evaluate" / "outputs.parquet").exists()
    assert (
        "The rules see which answers ran and are the same kernel"
        in (tmp_path / "evaluate" / "report.html").read_text()
    )


def test_the_judges_fault_is_owed(tmp_path: Path):
    tasks(tmp_path)
    with StageStore(tmp_path / "evaluate", evaluate.SCHEMA, {}) as store, pytest.raises(InfrastructureError):
        evaluation(tmp_path, store, Judge({2: InfrastructureError("died")})).run("heldout")
    assert run(tmp_path, Judge())["student"]["statuses"] == run(tmp_path / "other", Judge())["student"]["statuses"]


def test_what_is_not_possible_is_said(tmp_path: Path):
    tasks(tmp_path, split="train")
    with pytest.raises(UserError, match="no task is of split 'heldout'"):
        run(tmp_path, Judge())
    with pytest.raises(ValidationError, match="each k must be from 1 to samples_per_task"):
        EvaluateConfig.model_validate({"samples_per_task": 2, "k": [1, 4]})
    with pytest.raises(ValidationError, match=r"models\.student"):
        EvaluateConfig.model_validate({"models": {"student": {"kind": "scripted"}}})


def test_another_model_is_a_teacher_of_the_recipe(tmp_path: Path):
    stats = run(tmp_path, Judge(), models={"rules": {"kind": "scripted"}}, samples_per_task=1, k=[1], limit=4)
    assert list(stats) == ["untrained", "student", "rules"]
    assert stats["rules"]["n_tasks"] == 4


def test_real_models_give_the_same_rows_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    for name in ("untrained", "student"):
        tiny_model(tmp_path / "train" / name)
    for _ in range(2):
        run(tmp_path, Judge(), samples_per_task=2, k=[1], max_new_tokens=16, temperature=1.0)
        (tmp_path / "evaluate").rename(tmp_path / f"evaluate-{len(list(tmp_path.glob('evaluate-*')))}")
    first, second = (list(read_rows(tmp_path / f"evaluate-{n}")) for n in range(2))
    assert first == second
    assert len({row["messages"][-1]["content"] for row in first}) > len(OPERATORS)  # samples differ


# --- suites and finished kernels ---


class Prober(Judge):
    """Also probes: a reference that says so is broken; ``dies`` at a call is the judge's own fault."""

    def __init__(self, dies: int = 0) -> None:
        super().__init__()
        self.probed: list[str] = []
        self.dies = dies

    def probe(self, task: Task, *, seed: int) -> "Future[Any]":
        self.probed.append(task.name)
        future: Future[Any] = Future()
        if len(self.probed) == self.dies:
            future.set_exception(InfrastructureError("died"))
        elif "broken" in task.reference:
            future.set_exception(TaskError("task_raises", "it says so"))
        else:
            future.set_result(None)
        return future


ENDING = "\n\ndef get_inputs():\n    return []\n\n\ndef get_init_inputs():\n    return []\n"


def suite_of(folder: Path) -> Suite:
    folder.mkdir()
    for operator in OPERATORS[:3]:
        (folder / f"{operator}.py").write_text(task(operator).reference + ENDING)
    (folder / "bad.py").write_text("# broken\n" + task("neg").reference + ENDING)
    return load_suite(str(folder))


def test_a_broken_task_of_a_suite_is_named_and_what_was_probed_stays(tmp_path: Path):
    suite = suite_of(tmp_path / "mine")

    def probe(judge: Prober) -> tuple[list[Task], dict[str, str]]:
        with StageStore(tmp_path / "evaluate", evaluate.SCHEMA, {}, evaluate.FURTHER) as store:
            context = StageContext(recipe(), tmp_path, store, CONSOLE)
            found = usable(context, cast("Any", judge), suite, None, 1)
            return found, left_out(context)

    first, second = Prober(dies=2), Prober()
    with pytest.raises(InfrastructureError):
        probe(first)
    tasks, reasons = probe(second)
    assert sorted(task.name for task in tasks) == sorted(OPERATORS[:3])
    assert reasons == {"bad": "task_raises"}
    assert len(first.probed) == 4
    assert len(second.probed) == 1  # only what the judge failed on
    assert probe(Prober())[0] == tasks


def test_modules_of_a_suite_that_are_the_same_are_said_and_the_first_is_taken(tmp_path: Path):
    suite = suite_of(tmp_path / "mine")
    (tmp_path / "mine" / "zz.py").write_text((tmp_path / "mine" / f"{OPERATORS[0]}.py").read_text())
    said = StringIO()
    with StageStore(tmp_path / "evaluate", evaluate.SCHEMA, {}, evaluate.FURTHER) as store:
        context = StageContext(recipe(), tmp_path, store, StageProgress("evaluate", Console(file=said, width=200)))
        found = usable(context, cast("Any", Prober()), suite, None, 1)
    assert sorted(task.name for task in found) == sorted(OPERATORS[:3])
    assert f"zz is word for word {OPERATORS[0]}: they are one task, {OPERATORS[0]}" in said.getvalue()


def test_finished_kernels_are_judged_by_their_policy_and_gaps_are_not_solved(tmp_path: Path):
    tasks(tmp_path)
    lines = [{"task": o, "code": f"class ModelNew:\n    kernel = '{o}f(x)'\n"} for o in OPERATORS[:6]]
    lines += [{"task": OPERATORS[0], "code": None}, {"task": OPERATORS[1], "code": "class ModelNew: ..."}]
    (tmp_path / "k.jsonl").write_text("\n".join(map(json.dumps, lines)))
    judge = Judge()
    theirs = {"theirs": {"kind": "kernels", "path": str(tmp_path / "k.jsonl")}}
    section = {"models": theirs, "trained": [], "samples_per_task": 4, "k": [1, 4]}
    with StageStore(tmp_path / "evaluate", evaluate.SCHEMA, {}) as store:
        stats = evaluation(tmp_path, store, judge, **section).run("heldout")
        again = Judge({1: ZeroDivisionError()})
        assert evaluation(tmp_path, store, again, **section).run("heldout") == stats  # nothing is owed
    assert judge.policies == ["report"] * 7
    n = len(OPERATORS)
    assert stats["theirs"]["samples_per_task"] == 2
    assert stats["theirs"]["pass_at_k"]["1"]["mean"] == pytest.approx(6 / (2 * n))
    assert stats["theirs"]["pass_at_k"]["4"] is None
    assert stats["theirs"]["statuses"] == {"correct": 6, "malformed": 2 * n - 7, "incorrect": 1}


def test_what_a_suite_says_counts_unless_the_recipe_says_it(tmp_path: Path):
    suite_of(tmp_path / "mine")
    file = tmp_path / "s.yaml"
    file.write_text("name: s\nsource: {source: files, path: mine}\nk: [1, 9]\nsamples_per_task: 9\n")
    config, suite = EvaluateConfig(suite=str(file)).resolved()
    assert suite is not None
    assert (config.k, config.samples_per_task) == ((1, 9), 9)
    config, _ = EvaluateConfig(suite=str(file), k=(2,)).resolved()
    assert (config.k, config.samples_per_task) == ((2,), 9)
    with pytest.raises(UserError, match=r"suite s: .*each k must be from 1"):
        EvaluateConfig(suite=str(file), samples_per_task=4).resolved()


def test_models_that_are_none_are_said(tmp_path: Path):
    with pytest.raises(ValidationError, match="nothing to evaluate"):
        EvaluateConfig.model_validate({"trained": []})
    with pytest.raises(ValidationError, match="untrained"):
        EvaluateConfig.model_validate({"trained": ["studnet"]})
    with pytest.raises(ValidationError, match=r"prices\.m is not a model"):
        EvaluateConfig.model_validate({"prices": {"m": [1, 2]}})


def test_a_wrong_checkpoint_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    (tmp_path / "train" / "untrained").mkdir(parents=True)
    with pytest.raises(UserError, match="untrained"):
        run(tmp_path, Judge())


# --- strategies, histories, and what was paid for ---


def test_strategies_and_histories_are_in_the_results_and_the_report(tmp_path: Path):
    section = {
        "trained": [],
        "models": {"rules": {"kind": "scripted"}, "worse": {"kind": "scripted", "mistake_rate": 0.9}},
        "samples_per_task": 4,
        "k": [1],
        "limit": 4,
        "strategies": ["parallel", "beam"],
        "strategy_tokens": 2000,
        "judge_error": {"false_accepts": {"wrong": 0, "of": 119}, "false_rejects": {"wrong": 0, "of": 104}},
    }
    posed = [
        t.model_copy(update={"reference": t.reference + ENDING}) for t in (task(o, "heldout") for o in OPERATORS)
    ]
    write_stage(tmp_path, "tasks", schema_of(Task), {t.id: to_row(t) for t in posed})
    with StageStore(tmp_path / "evaluate", evaluate.SCHEMA, {}, evaluate.FURTHER) as store:
        evaluation(tmp_path, store, Judge(), **section).run("heldout")
        store.seal({}, VERSIONS)
    found = json.loads((tmp_path / "evaluate" / "results.json").read_text())
    assert set(found["strategies"]["models"]["rules"]) == {"parallel", "beam"}
    assert (
        found["models"]["rules"]["selection"]["oracle"]["mean"] >= found["models"]["rules"]["selection"]["b4"]["mean"]
    )
    assert found["models"]["rules"]["corrected_pass_at_1"] is not None
    page = (tmp_path / "evaluate" / "report.html").read_text()
    for said in ("Ways to spend the same tokens", "worse minus rules", "Choosing one of several", "does not time"):
        assert said in page


def test_cells_lead_to_histories_wherever_the_folder_is(tmp_path: Path):
    run(tmp_path, Judge(), trained=["student"])
    page = (tmp_path / "evaluate" / "report.html").read_text()
    moved = tmp_path / "moved"
    (tmp_path / "evaluate").rename(moved)
    links = re.findall(r'<a class="\w+" href="(candidates/\w+\.html)"', page)
    assert len(links) == 3 * len(OPERATORS)  # repeated answers share a page
    assert all("The judge&#39;s checks" in (moved / link).read_text() for link in links)


def test_an_evaluated_candidates_history_can_be_asked_for(tmp_path: Path):
    run(tmp_path, Judge(), trained=["student"])
    rows = list(read_rows(tmp_path / "evaluate"))
    for row in rows[:6]:  # repeats of earlier answers are among them, which were not judged again
        assert write_history(tmp_path, row["id"], tmp_path / "page.html") == 1
        page = (tmp_path / "page.html").read_text()
        assert row["id"] in page
        assert "The judge&#39;s checks" in page
