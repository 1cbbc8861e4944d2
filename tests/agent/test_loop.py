import asyncio
from concurrent.futures import Future

import pytest

from pipeline.agent.assessments import Assessment, Vote
from pipeline.agent.engine import MAX_FAILURES_IN_A_ROW, run_rollouts
from pipeline.agent.loop import Helpers, RolloutConfig, request_seed, rollout
from pipeline.errors import InfrastructureError, RefusedError, TeacherError, UserError
from pipeline.records import Candidate, Check, Message, Task, Verdict
from pipeline.teachers import Reply

TASK = Task(name="t", reference="class Model: pass", category="c", source="s")
SEED = 5
WRONG, RIGHT = "class ModelNew: wrong", "class ModelNew: right"


class StandInJudge:
    """Accepts code that says it is right."""

    backend = "simt"
    version = "1"

    def __init__(self, fault: Exception | None = None) -> None:
        self.judged: list[str] = []
        self.fault = fault

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        self.judged.append(code.strip())
        right = "right" in code
        verdict = Verdict(
            candidate_id=candidate_id,
            status="correct" if right else "incorrect",
            reason=None if right else "wrong_value",
            checks=(Check(name="correct:own", passed=right, detail="y[0]: expected 1, got 2"),),
            backend=self.backend,
            judge_version=self.version,
        )
        future: Future[Verdict] = Future()
        if self.fault:
            future.set_exception(self.fault)
        else:
            future.set_result(verdict)
        return future


class StandInTeacher:
    """Gives the answers it was made with, one after another; an exception among them is raised."""

    name = "stand-in"

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[tuple[Message, ...], int]] = []

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        self.asked.append((messages, seed))
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        content = f"```python\n{answer}\n```" if answer.startswith("class") else answer
        return Reply(content, None, "stop", 1, 2, {"seed": seed})

    async def close(self) -> None:
        pass


class StandInReviewer:
    """Turns away code that says it is bad."""

    best = None

    async def assess(self, task: Task, candidate: Candidate, seed: int) -> Assessment:
        bad = "bad" in (candidate.code or "")
        vote = Vote(checklist="memory", passed=not bad, text="y is read too far\nFalse")
        return Assessment(candidate_id=candidate.id, votes=(vote,), turned_away=bad)


def run(
    teacher: StandInTeacher,
    judge: StandInJudge,
    earlier: tuple[Candidate, ...] = (),
    max_turns: int = 3,
    verifiers: StandInReviewer | None = None,
):
    helpers = Helpers(teacher, judge, verifiers, SEED)

    async def main() -> list[Candidate]:
        return [c async for c in rollout(TASK, 0, helpers, earlier, RolloutConfig(max_turns=max_turns))]

    return asyncio.run(main())


def test_a_rollout_repairs_until_it_is_correct():
    teacher, judge = StandInTeacher(WRONG, "no code at all", RIGHT, "never asked"), StandInJudge()
    turns = run(teacher, judge, max_turns=9)
    assert [c.turn for c in turns] == [0, 1, 2]
    assert [c.status for c in turns] == ["complete", "no_code", "complete"]
    assert [c.parents for c in turns] == [(), (turns[0].id,), (turns[0].id, turns[1].id)]
    assert judge.judged == [WRONG, RIGHT]
    assert "expected 1, got 2" in teacher.asked[1][0][-1].content
    assert "holds no ```python block" in teacher.asked[2][0][-1].content
    assert turns[2].messages[:-1] == teacher.asked[2][0]
    assert [seed for _, seed in teacher.asked] == [request_seed(SEED, TASK.id, 0, turn) for turn in range(3)]


def test_a_conversation_does_not_grow_with_its_turns():
    answers = [f"class ModelNew: wrong {n}" for n in range(5)]
    turns = run(StandInTeacher(*answers), StandInJudge(), max_turns=5)
    asked = turns[-1].messages[:-1]
    assert [m.role for m in asked] == ["user", "assistant", "user"]
    assert asked[0] == turns[0].messages[0]
    assert "wrong 3" in asked[1].content
    report = asked[2].content
    assert [f"Attempt {n}" in report for n in range(1, 6)] == [True, True, True, False, False]
    assert "Attempt 2 (1 line changed, first `class ModelNew: wrong 1`): incorrect (wrong_value): y[0]" in report


def test_what_reviewers_turn_away_is_not_judged_and_comes_back_with_their_doubts():
    teacher, judge = StandInTeacher("class ModelNew: bad", WRONG, RIGHT), StandInJudge()
    turns = run(teacher, judge, verifiers=StandInReviewer())
    assert judge.judged == [WRONG]
    doubted, rejected = (teacher.asked[n][0][-1].content for n in (1, 2))
    assert "memory:\ny is read too far\n\nWhere" in doubted
    assert "incorrect (wrong_value)" in rejected
    assert "Attempt 1: not run: memory: y is read too far" in rejected
    assert [c.turn for c in turns] == [0, 1, 2]


def test_the_last_turn_is_not_judged():
    judge = StandInJudge()
    assert len(run(StandInTeacher(WRONG, WRONG), judge, max_turns=2)) == 2
    assert judge.judged == [WRONG]


def test_a_resumed_rollout_asks_only_for_what_is_missing():
    whole = run(StandInTeacher(WRONG, WRONG, RIGHT), StandInJudge())
    teacher = StandInTeacher(RIGHT)
    assert run(teacher, StandInJudge(), earlier=tuple(whole[:2])) == whole[2:]
    assert run(StandInTeacher(), StandInJudge(), earlier=tuple(whole)) == []
    right = run(StandInTeacher(RIGHT), StandInJudge())
    assert run(StandInTeacher(), StandInJudge(), earlier=tuple(right)) == []


def test_a_candidate_exists_before_it_is_judged():
    kept: list[Candidate] = []

    async def main() -> None:
        judge = StandInJudge(InfrastructureError("the worker died"))
        helpers = Helpers(StandInTeacher(WRONG), judge, None, SEED)
        turns = rollout(TASK, 0, helpers, (), RolloutConfig(max_turns=2))
        kept.append(await anext(turns))
        await anext(turns)

    with pytest.raises(InfrastructureError):
        asyncio.run(main())
    assert [c.turn for c in kept] == [0]


def run_many(
    teacher: StandInTeacher, samples: int, concurrency: int, kept: list[Candidate], judge: StandInJudge | None = None
):
    def start(sample: int):
        config = RolloutConfig(max_turns=2 if judge else 1)
        return rollout(TASK, sample, Helpers(teacher, judge or StandInJudge(), None, SEED), (), config)

    return asyncio.run(run_rollouts(range(samples), start, kept.append, lambda _: None, concurrency))


def test_a_failed_request_is_owed_and_stops_nothing_else():
    kept: list[Candidate] = []
    teacher = StandInTeacher(RIGHT, TeacherError("busy"), RefusedError("too long"), RIGHT, RIGHT)
    outcome = run_many(teacher, 5, 1, kept)
    assert [c.sample for c in kept] == [0, 3, 4]
    assert outcome.finished == 3
    assert [job for job, _ in outcome.owed] == [1]
    assert [job for job, _ in outcome.refused] == [2]


def test_a_failed_judgement_is_owed_and_its_candidate_kept():
    kept: list[Candidate] = []
    judge = StandInJudge(InfrastructureError("the worker died"))
    outcome = run_many(StandInTeacher(WRONG, "no code", RIGHT), 2, 1, kept, judge)
    assert [(c.sample, c.turn) for c in kept] == [(0, 0), (1, 0), (1, 1)]
    assert (outcome.finished, [job for job, _ in outcome.owed]) == (1, [0])


def test_the_users_error_ends_all_at_once_and_keeps_what_there_is():
    kept: list[Candidate] = []
    teacher = StandInTeacher(RIGHT, UserError("wrong key"), *[RIGHT] * 98)
    with pytest.raises(UserError, match=r"^wrong key$"):
        run_many(teacher, 100, 4, kept)
    assert 1 <= len(kept) < 8
    assert len(teacher.answers) > 90


def test_failures_in_a_row_end_the_run_but_scattered_ones_do_not():
    faults = [TeacherError("http://server: busy")] * (MAX_FAILURES_IN_A_ROW - 1)
    outcome = run_many(StandInTeacher(*faults, RIGHT, *faults, RIGHT), 2 * MAX_FAILURES_IN_A_ROW, 1, [])
    assert (outcome.finished, len(outcome.owed)) == (2, len(faults) * 2)
    teacher = StandInTeacher(RIGHT, *faults, faults[0], *[RIGHT] * 9)
    with pytest.raises(UserError, match="http://server: busy"):
        run_many(teacher, 30, 1, [])


def test_no_more_jobs_are_taken_than_there_are_workers():
    taken, finished = 0, 0

    def jobs():
        nonlocal taken
        for sample in range(50):
            taken += 1
            assert taken - finished <= 4
            yield sample

    def ended(_: int) -> None:
        nonlocal finished
        finished += 1

    def start(sample: int):
        return rollout(TASK, sample, Helpers(teacher, StandInJudge(), None, SEED), (), RolloutConfig())

    teacher = StandInTeacher(*[RIGHT] * 50)
    outcome = asyncio.run(run_rollouts(jobs(), start, lambda _: None, ended, 4))
    assert outcome.finished == 50


def test_a_cancelled_run_keeps_its_candidates():
    kept: list[Candidate] = []

    async def main() -> None:
        teacher = StandInTeacher(*[RIGHT] * 1000)
        me = asyncio.current_task()
        assert me is not None

        def keep(candidate: Candidate) -> None:
            kept.append(candidate)
            if len(kept) == 10:
                me.cancel()

        def start(sample: int):
            return rollout(TASK, sample, Helpers(teacher, StandInJudge(), None, SEED), (), RolloutConfig())

        await run_rollouts(range(1000), start, keep, lambda _: None, 4)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert 10 <= len(kept) < 20
