"""What generate keeps, counts and spends, and how it treats its teachers."""

import importlib.util
import json
import sys
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from pipeline.command_line import one_line_errors
from pipeline.errors import UserError
from pipeline.records import Task, Verdict
from pipeline.stages import generate, tasks
from pipeline.store import set_aside
from pipeline.teachers.journal import answer_at, read_answers
from tests.stages.generating import RIGHT, WRONG, StandInJudge, task
from tests.stages.generating import run as run  # noqa: PLC0414  (the fixture)
from tests.stages.generating import url as url  # noqa: PLC0414  (the fixture)


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
    run.configure(samples_per_task=3, concurrency=1)  # of two requests in flight the later may arrive first
    run.stage(generate)
    asked = [body["messages"][0]["content"] for body in run.log()]
    assert all(first != second for first, second in zip(asked[::2], asked[1::2], strict=True))


def test_a_generation_of_every_task_comes_before_the_next_of_any(run):
    run.stage(tasks)
    mode = {"kind": "evolve", "generations": 3, "proposals": 2}
    run.configure(mode=mode, concurrency=1, budget={"tokens": 60})
    stats = run.stage(generate)
    assert "is spent" in stats["budget"]["spent"]
    assert Counter((c.task_id, c.turn) for c in run.candidates()) == {(t.id, 0): 2 for t in (task("a"), task("b"))}
    set_aside(run.out / "generate")
    run.configure(mode=mode, concurrency=1)
    assert run.stage(generate)["candidates"] == 2 * 3 * 2


def test_a_task_whose_generation_is_refused_is_over(run):
    run.stage(tasks)
    run.plan({"status": 400}, {"status": 400})
    run.configure(mode={"kind": "evolve", "generations": 3, "proposals": 2}, concurrency=1)
    assert run.stage(generate)["candidates"] == 3 * 2
    assert len(run.log()) == 2 + 3 * 2
    assert len(run.rows("generate", "rejected")) == 1


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
        ({"base_url": "URL/v2"}, "is not a chat server"),
        ({"model": "other"}, "has no model 'other'"),
        ({"api_key_env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
        ({"kind": "replay", "path": "nowhere"}, "nowhere is neither a run"),
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
        one_line_errors(run.stage)(generate)
    assert end.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
