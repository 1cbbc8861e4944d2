"""Tasks, generate and verify in a row, against a real chat server and a stand-in for the judge."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import pytest
from pydantic import TypeAdapter
from rich.console import Console

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.judge.task_filters import TaskFilters
from pipeline.progress import StageProgress
from pipeline.recipe import TasksConfig
from pipeline.records import Candidate, Check, Task, Verdict
from pipeline.stage import _one_line_errors
from pipeline.stages import StageContext, generate, tasks, verify
from pipeline.stages.generate import GenerateConfig
from pipeline.store import REJECTED, StageStore, read_rows, set_aside
from pipeline.tables import from_row
from pipeline.teachers import openai as openai_teacher
from pipeline.teachers.journal import answer_at, read_answers

RIGHT = "```python\nclass ModelNew: right\n```"
WRONG = "```python\nclass ModelNew: wrong\n```"


def task(name: str, **changes: Any) -> Task:
    return Task(**{"name": name, "reference": f"# {name}", "category": "c", "source": "s", **changes})


class StandInJudge:
    """Accepts code that says it is right; work on a task named in ``faults`` raises."""

    faults: ClassVar[dict[str, Exception]] = {}
    judged: ClassVar[list[str]] = []
    workers = 2
    version = "1"

    def __init__(self, config: JudgeConfig, seed: int) -> None:
        self.backend = "none" if config.backend == "none" else "simt"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def probe(self, task: Task, filters: TaskFilters) -> Future[None]:
        assert filters == TaskFilters()
        return self._future(task.name, None)

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        assert self.backend == "simt"
        self.judged.append(candidate_id)
        right = "right" in code
        verdict = Verdict(
            candidate_id=candidate_id,
            status="correct" if right else "incorrect",
            reason=None if right else "wrong_value",
            checks=(Check(name="correct:own", passed=right),),
            backend=self.backend,
            judge_version=self.version,
        )
        return self._future(task.name, verdict)

    def _future(self, name: str, result: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if name in self.faults:
            future.set_exception(self.faults[name])
        else:
            future.set_result(result)
        return future


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    script = Path(__file__).parents[1] / "servers" / "chat.py"
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.terminate()


class Run:
    """A run's directory, its recipe, and the console that its progress writes to."""

    def __init__(self, out: Path, url: str) -> None:
        self.out = out
        self.url = url
        self.console = StringIO()
        self.recipe: Any = SimpleNamespace(
            seed=3,
            executor=LocalConfig(),
            tasks=SimpleNamespace(source="files", filters=TaskFilters(), decontaminate=None),
            judge=JudgeConfig.model_validate({}),
        )
        self.configure()

    def teacher(self, **changes: Any) -> dict[str, Any]:
        return {"kind": "openai", "base_url": self.url, "model": "test-model", "retries": 2, **changes}

    def configure(self, **changes: Any) -> None:
        section = {"teacher": self.teacher(), "concurrency": 2, "judge_queue": 0, **changes}
        self.recipe.generate = GenerateConfig.model_validate(section)

    def stage(self, module: Any, *, seal: bool = True) -> Any:
        name = module.__name__.rpartition(".")[2]
        progress = StageProgress(name, Console(file=self.console, width=300))
        with StageStore(self.out / name, module.SCHEMA, {}) as store:
            stats = module.run(StageContext(self.recipe, self.out, store, progress))
            if seal:
                store.seal(stats)
        return stats

    def rows(self, stage: str, table: str = "data") -> list[dict[str, Any]]:
        return list(read_rows(self.out / stage, table))

    def candidates(self) -> list[Candidate]:
        return [from_row(Candidate, row) for row in self.rows("generate")]

    def plan(self, *steps: dict[str, Any]) -> None:
        urllib.request.urlopen(self.url.replace("/v1", "/plan"), json.dumps(steps).encode()).close()

    def log(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.url.replace("/v1", "/log")) as response:
            return json.load(response)

    def source(self, monkeypatch: pytest.MonkeyPatch, *found: Task) -> None:
        monkeypatch.setattr(tasks, "read_source", lambda _config, _seed: iter(found))


@pytest.fixture
def run(tmp_path, url, monkeypatch) -> Run:
    monkeypatch.setitem(sys.modules, "pipeline.judge.judge", SimpleNamespace(Judge=StandInJudge))
    monkeypatch.setattr(StandInJudge, "faults", {})
    monkeypatch.setattr(StandInJudge, "judged", [])
    monkeypatch.setattr(openai_teacher, "FIRST_PAUSE_SECONDS", 0.001)
    made = Run(tmp_path, url)
    made.source(monkeypatch, task("a"), task("b"), task("held", split="heldout"))
    made.plan()
    return made


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


INTERRUPTED = """
import sys
from pathlib import Path
from types import SimpleNamespace
from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.progress import StageProgress
from pipeline.stages import StageContext, generate
from pipeline.store import StageStore
out, url = Path(sys.argv[1]), sys.argv[2]
teacher = {"kind": "openai", "base_url": url, "model": "test-model"}
config = generate.GenerateConfig.model_validate({"teacher": teacher, "samples_per_task": 5, "concurrency": 2})
recipe = SimpleNamespace(seed=3, executor=LocalConfig(), judge=JudgeConfig(), generate=config)
with StageStore(out / "generate", generate.SCHEMA, {}) as store:
    generate.run(StageContext(recipe, out, store, StageProgress("generate")))
"""


def test_an_interrupted_process_keeps_its_rows_and_the_next_asks_for_the_rest(run):
    run.stage(tasks)
    run.plan({}, {}, {"hang": True}, {}, {"hang": True})
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, run.out, run.url], stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        while len(run.log()) < 5 and child.poll() is None:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        assert child.communicate()[1].endswith(b"KeyboardInterrupt\n")
    run.plan()
    run.configure(samples_per_task=5)
    assert run.stage(generate)["candidates"] == 10
    assert len(run.log()) == 7


def killed_after(run: Run, requests: int) -> bool:
    """Start the stage in a process of its own and kill -9 it when the server has got that many requests."""
    command = [
        sys.executable,
        "-c",
        INTERRUPTED.replace('"samples_per_task": 5', '"samples_per_task": 30'),
        run.out,
        run.url,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        while len(run.log()) < requests and child.poll() is None:
            time.sleep(0.01)
        child.kill()
        return child.wait() == -signal.SIGKILL


def test_kill_9_costs_no_row_and_no_more_than_what_was_in_flight(run):
    run.stage(tasks)
    run.plan(*[{"delay": 0.05}] * 100)
    assert [killed_after(run, n) for n in (5, 23, 41)] == [True] * 3
    run.configure(samples_per_task=30)
    stats = run.stage(generate)
    asked = Counter(body["seed"] for body in run.log())
    candidates = run.candidates()
    assert len({(c.task_id, c.sample) for c in candidates}) == len(candidates) == len(asked) == 60
    assert asked.total() - 60 <= 3 * 2  # three kills, two requests in flight
    assert stats["requests"]["answered"] == 60


def test_a_reply_that_only_the_journal_has_is_not_asked_for_again(run):
    run.stage(tasks)
    run.stage(generate, seal=False)
    before = run.log()
    for shard in (run.out / "generate").glob("shard-*.jsonl"):
        shard.unlink()
    stats = run.stage(generate)
    assert len(run.log()) == len(before) == stats["requests"]["answered"] == stats["candidates"] == 2


def test_every_candidate_leads_to_the_bytes_that_the_server_sent(run):
    run.stage(tasks)
    run.plan({"reasoning": "hm", "content": RIGHT}, {"content": "no"})
    run.stage(generate)
    lines = {row["request"]: offset for row, offset in read_answers(run.out / "generate" / "requests.jsonl")}
    raws = [
        json.loads(answer_at(run.out / "generate" / "requests.jsonl", lines[c.request_id]).raw or "")
        for c in run.candidates()
    ]
    assert [raw["choices"][0]["message"]["content"] for raw in raws] == [
        c.messages[-1].content for c in run.candidates()
    ]
    assert {raw["id"] for raw in raws} == {"chatcmpl-1"}


def test_what_went_wrong_is_counted_and_what_it_cost(run):
    run.stage(tasks)
    run.configure(teacher=run.teacher(price={"prompt": 10, "completion": 100}), concurrency=1)
    run.plan(
        {"status": 429, "headers": {"retry-after": "0"}},
        {"content": ""},
        {"content": "cut", "finish_reason": "length"},
        {"cut": True},
    )
    stats = run.stage(generate)
    assert stats["by_status"] == {"truncated": 1, "complete": 1}
    assert stats["requests"] == {
        "answered": 2,
        "without_token_counts": 0,
        "faults": {"rate_limited": 1, "empty": 1, "connection": 1},
        "prompt_tokens": 33,
        "completion_tokens": 21,
        "dollars": pytest.approx(3 * (11 * 10 + 7 * 100) / 1e6),
    }


def test_a_spent_budget_ends_the_stage_and_a_larger_one_goes_on_from_what_was_paid(run):
    run.stage(tasks)
    run.configure(samples_per_task=5, budget={"tokens": 50}, concurrency=1)
    stats = run.stage(generate)
    assert stats["budget"]["rollouts_begun"] == len(run.log()) == 3  # 18 tokens each: 36 leave something, 54 nothing
    assert (
        "generate.budget.tokens (50) is spent: 54 tokens used; 3 of 10 rollouts were begun" in run.console.getvalue()
    )
    assert sorted(Counter(c.task_id for c in run.candidates()).values()) == [1, 2]
    first = run.candidates()
    set_aside(run.out / "generate")
    run.configure(samples_per_task=5, budget={"tokens": 100}, concurrency=1)
    stats = run.stage(generate)
    assert (stats["candidates"], len(run.log())) == (6, 6)
    assert stats["requests"]["prompt_tokens"] + stats["requests"]["completion_tokens"] == 108
    assert {c.id for c in first} <= {c.id for c in run.candidates()}
    set_aside(run.out / "generate")
    run.configure(teacher=run.teacher(temperature=0.5), samples_per_task=1)
    run.stage(generate)
    assert len(run.log()) == 8  # asked in another way, nothing is known


def test_a_budget_in_dollars_needs_prices(run):
    with pytest.raises(ValueError, match="needs the price of every teacher"):
        run.configure(budget={"dollars": 1})
    run.stage(tasks)
    price = {"prompt": 1e6, "completion": 0}
    run.configure(teacher=run.teacher(price=price), budget={"dollars": 12}, samples_per_task=9, concurrency=1)
    assert run.stage(generate)["candidates"] == 2


def test_a_server_gets_its_reasoning_back_if_it_wants_it_and_candidates_are_kept_without(run):
    run.stage(tasks)
    run.configure(teacher=run.teacher(echo_reasoning="reasoning_content"), max_turns=2, concurrency=1)
    run.plan(*[{"reasoning_content": "hm", "content": WRONG}] * 4)
    run.stage(generate)
    echoed = [m.get("reasoning_content") for body in run.log() for m in body["messages"]]
    assert echoed == [None, None, "hm", None] * 2
    assert {m.reasoning for c in run.candidates() for m in c.messages[:-1]} == {None}


def test_the_tasks_take_turns(run):
    run.stage(tasks)
    run.configure(samples_per_task=3, concurrency=2)
    run.stage(generate)
    asked = [body["messages"][0]["content"] for body in run.log()]
    assert all(first != second for first, second in zip(asked[::2], asked[1::2], strict=True))


def test_where_the_judge_lags_no_more_is_asked_for(run, monkeypatch):
    run.stage(tasks)
    late: list[tuple[Future[Verdict], Verdict]] = []

    class LateJudge(StandInJudge):
        def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
            verdict = super().submit(task, code, candidate_id).result()
            late.append((Future(), verdict))
            return late[-1][0]

    monkeypatch.setattr(sys.modules["pipeline.judge.judge"], "Judge", LateJudge)
    run.configure(samples_per_task=20, max_turns=2, concurrency=2, judge_queue=3)
    run.plan(*[{"content": RIGHT}] * 40)
    with ThreadPoolExecutor(1) as pool:
        stage = pool.submit(run.stage, generate)
        while len(late) < 5:
            time.sleep(0.01)
        time.sleep(0.3)
        assert len(late) == len(run.log()) == 5  # two slots and three in the queue
        while not stage.done():
            while late:
                future, verdict = late.pop()
                future.set_result(verdict)
            time.sleep(0.01)
    assert stage.result()["candidates"] == len(run.log()) == 40


def test_a_member_of_an_ensemble_stays_with_its_rollout_and_comes_back_to_it(run):
    run.stage(tasks)
    members = [{"teacher": run.teacher(), "weight": 3}, {"teacher": run.teacher(temperature=1), "name": "warm"}]
    run.configure(teacher={"kind": "ensemble", "members": members}, samples_per_task=12, max_turns=2)
    run.plan(*[{"content": WRONG}] * 60)
    run.stage(generate)
    teachers: dict[tuple[str, int], set[str]] = {}
    for candidate in run.candidates():
        teachers.setdefault((candidate.task_id, candidate.sample), set()).add(candidate.teacher)
        assert candidate.sampling.get("temperature") == (1 if candidate.teacher == "warm" else None)
    assert len(teachers) == 24
    assert all(len(names) == 1 for names in teachers.values())
    shares = Counter(next(iter(names)) for names in teachers.values())
    assert shares["test-model"] > shares["warm"] > 0
    first = (run.out / "generate" / "data.parquet").read_bytes()
    set_aside(run.out / "generate")
    asked = len(run.log())
    run.stage(generate)
    assert (run.out / "generate" / "data.parquet").read_bytes() == first
    assert len(run.log()) == asked


def test_a_run_is_repeated_from_its_record_without_a_server(run):
    run.stage(tasks)
    run.configure(max_turns=2, samples_per_task=2)
    run.plan(*[{"content": WRONG, "reasoning": "hm"}] * 8)
    run.stage(generate)
    first = (run.out / "generate" / "data.parquet").read_bytes()
    (run.out / "generate").rename(run.out / "recorded")
    asked = len(run.log())
    run.configure(teacher={"kind": "replay", "path": run.out / "recorded"}, max_turns=2, samples_per_task=2)
    stats = run.stage(generate)
    assert (run.out / "generate" / "data.parquet").read_bytes() == first
    assert (len(run.log()), stats["requests"]["dollars"]) == (asked, 0)
    (run.out / "generate").rename(run.out / "again")
    run.configure(teacher={"kind": "replay", "path": run.out / "again"}, max_turns=2, samples_per_task=3)
    with pytest.raises(UserError, match=r"2 of 6 rollouts got no answer.*holds no reply to request"):
        run.stage(generate)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, "can't connect to http://127.0.0.1:9/v1"),
        ({"base_url": "URL/v2"}, "is no chat server"),
        ({"model": "other"}, "has no model 'other'"),
        ({"api_key_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
        ({"kind": "replay", "path": "nowhere"}, "nowhere is no run"),
        ({"kind": "local", "model": "nowhere/at-all"}, "nowhere/at-all"),
        ({"kind": "local", "model": "some/model", "engine": "vllm"}, "vllm is not installed"),
    ],
    ids=str,
)
def test_a_teacher_that_can_not_answer_is_one_line_and_exit_code_2(run, changes, message, capsys):
    if "vllm" in message and importlib.util.find_spec("vllm"):
        pytest.skip("vllm is installed")
    run.stage(tasks)
    section = changes if "kind" in changes else {**run.teacher(), **changes}
    section = {
        k: v.replace("URL/v1", run.url).replace("URL", run.url[:-3]) if k == "base_url" else v
        for k, v in section.items()
    }
    alone = "base_url" in changes
    run.configure(teacher=section if alone else {"kind": "ensemble", "members": [{"teacher": section}]})
    with pytest.raises(SystemExit) as end:
        _one_line_errors(run.stage)(generate)
    assert end.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
