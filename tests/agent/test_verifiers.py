import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agent.assessments import Assessment, Vote, agreement
from pipeline.agent.conformal import Conformal
from pipeline.agent.loop import Place, candidate_at
from pipeline.agent.prompting import translate
from pipeline.agent.verifiers import Verifiers, VerifiersConfig, badness, doubts, read_result
from pipeline.errors import BudgetSpentError, RefusedError, UserError
from pipeline.records import Candidate, Message, Task, Verdict
from pipeline.stages import verify
from pipeline.store import StageStore
from pipeline.tables import to_row
from pipeline.teachers import Reply

TASK = Task(name="t", reference="class Model: pass", category="c", source="s")


def candidate(sample: int = 0) -> Candidate:
    reply = Reply(f"```python\nclass ModelNew: {sample}\n```", None, "stop", 1, 1)
    return candidate_at(TASK, Place(sample, 0, ()), "t", translate(TASK), reply)


class Reviewer:
    """Answers with what ``says`` holds for the checklist and the turn; an exception is raised."""

    name = "reviewer"

    def __init__(self, **says: list[str | Exception]) -> None:
        self.says = says
        self.asked: list[tuple[Message, ...]] = []

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        self.asked.append(messages)
        kinds = {"it compiles": "compile", "every access": "memory", "it computes": "numerics"}
        kind = next(kind for words, kind in kinds.items() if f"whether {words}" in messages[0].content)
        answer = self.says[kind][len(messages) // 2]
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, "True, I think", "stop", 3, 2, request_id=f"{seed}")

    async def close(self) -> None:
        pass


def assess(teacher: Reviewer, directory: Path, **config: object) -> Assessment:
    with Verifiers(VerifiersConfig.model_validate(config), teacher, directory) as verifiers:
        return asyncio.run(verifiers.assess(TASK, candidate(), 1))


GOOD: list[str | Exception] = ["fine\nTrue", "still\n**True**."]


def test_each_checklist_is_asked_then_asked_to_look_again(tmp_path):
    teacher = Reviewer(compile=GOOD, memory=["fine\nTrue", "line 3 reads past n\nFalse"], numerics=GOOD)
    found = assess(teacher, tmp_path)
    assert {vote.checklist: vote.passed for vote in found.votes} == {
        "compile": True,
        "memory": False,
        "numerics": True,
    }
    assert found.turned_away
    assert doubts(found) == "memory:\nline 3 reads past n"
    assert all(
        len(vote.requests) == 2 and vote.prompt_tokens == 6 and vote.completion_tokens == 4 for vote in found.votes
    )
    assert len({request for vote in found.votes for request in vote.requests}) == 6
    questions = [messages[0].content for messages in teacher.asked if len(messages) == 1]
    assert all("class Model: pass" in text and "class ModelNew: 0" in text for text in questions)
    assert len(set(questions)) == 3
    assert assess(Reviewer(), tmp_path) == found  # kept: nothing is asked again


@pytest.mark.parametrize(
    ("answers", "rule", "turned_away"),
    [
        (["True", "False"], "majority", False),
        (["False", "False"], "majority", True),
        (["False", "no idea"], "majority", True),
        (["no idea", "hm"], "majority", False),
        (["False", "False"], "observe", False),
    ],
)
def test_a_majority_of_one_checklist_turns_away(answers, rule, turned_away, tmp_path):
    class Alternating(Reviewer):
        async def complete(self, messages, seed):
            self.asked.append(messages)
            return Reply(answers[len(self.asked) - 1], None, "stop", 1, 1)

    found = assess(Alternating(), tmp_path, checklists=["memory"], votes=2, reflect=False, rule=rule)
    assert found.turned_away == turned_away


def test_a_refused_review_is_no_vote_and_a_spent_budget_ends_all(tmp_path):
    refusal = RefusedError("too long")
    found = assess(Reviewer(compile=[refusal], memory=["x\nFalse", refusal], numerics=GOOD), tmp_path)
    assert {v.checklist: v.passed for v in found.votes} == {"compile": None, "memory": False, "numerics": True}
    (tmp_path / "assessments.jsonl").unlink()
    with pytest.raises(BudgetSpentError):
        assess(Reviewer(compile=GOOD, memory=[BudgetSpentError("spent")], numerics=GOOD), tmp_path)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("True", True),
        ("It is true.\n\nFalse\n", False),
        ("Result: **False**", False),
        ("True\nso far", None),
        ("", None),
    ],
)
def test_the_result_is_in_the_last_line(answer, result):
    assert read_result(answer) is result


def test_p_values_by_hand():
    test = Conformal([0.0, 0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.75, 1.0], alpha=0.3)
    assert test.p_value(0.0) == 1.0  # (1 + 9) / 10
    assert test.p_value(0.25) == 0.7  # 6 good ones are as bad
    assert test.p_value(0.5) == 0.5
    assert test.p_value(0.6) == 0.3  # 0.75 and 1.0
    assert test.p_value(1.0) == 0.2
    assert [test.turns_away(b) for b in (0.5, 0.6, 0.75, 1.0)] == [False, True, True, True]
    assert "at most 0.3 (9 good ones" in test.bound
    few = Conformal([0.0] * 8, alpha=0.1)
    assert not few.turns_away(1.0)  # 1 / 9 is above 0.1
    assert "too few" in few.bound
    assert Conformal([0.0] * 9, alpha=0.1).turns_away(1.0)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=60), st.floats(0.01, 0.9))
def test_at_most_a_share_alpha_of_good_kernels_is_lost(good, alpha):
    """Exact, not on average: each of n+1 exchangeable kernels in turn is the new one."""
    lost = sum(Conformal(good[:i] + good[i + 1 :], alpha).turns_away(good[i]) for i in range(len(good)))
    assert lost <= alpha * len(good) + 1e-9


def finished_run(out: Path, votes: list[tuple[bool, bool]]) -> None:
    """Write a run of which each candidate has one vote, and a verdict that may differ."""
    (out / "generate").mkdir(parents=True)
    with (
        StageStore(out / "verify", verify.SCHEMA, {}) as store,
        (out / "generate" / "assessments.jsonl").open("w") as file,
    ):
        for number, (passed, right) in enumerate(votes):
            one = Vote(checklist="memory", passed=passed, text="")
            file.write(
                Assessment(candidate_id=f"c{number}", votes=(one,), turned_away=False).model_dump_json() + "\n"
            )
            verdict = Verdict(
                candidate_id=f"c{number}", status="correct" if right else "runtime_error",
                reason=None if right else "out_of_bounds", checks=({"name": "x", "passed": right},),  # type: ignore[arg-type]
                backend="simt", judge_version="1",
            )  # fmt: skip
            store.append(f"c{number}", {**to_row(verdict), "task_id": "t", "sample": number, "turn": 0})
        store.seal()


def test_a_calibration_is_what_a_finished_run_found_right(tmp_path):
    finished_run(tmp_path / "before", [(True, True)] * 18 + [(False, True)] + [(False, False)] * 9)
    config = {"rule": "conformal", "calibration": tmp_path / "before", "checklists": ["memory"], "reflect": False}
    bad, fine = Reviewer(memory=["False"]), Reviewer(memory=["True"])
    assert assess(bad, tmp_path, alpha=0.1, **config).turned_away  # (1 + 1) / 20
    (tmp_path / "assessments.jsonl").unlink()
    assert not assess(bad, tmp_path, alpha=0.09, **config).turned_away
    (tmp_path / "assessments.jsonl").unlink()
    assert not assess(fine, tmp_path, alpha=0.5, **config).turned_away


def test_a_calibration_without_a_good_kernel_is_the_users_error(tmp_path):
    finished_run(tmp_path / "before", [(True, False)])
    config = VerifiersConfig(rule="conformal", calibration=tmp_path / "before")
    with pytest.raises(UserError, match=r"calibration: .* holds no right kernel"):
        Verifiers(config, Reviewer(), tmp_path)
    with pytest.raises(UserError, match="not complete"):
        Verifiers(config.model_copy(update={"calibration": tmp_path / "none"}), Reviewer(), tmp_path)
    with pytest.raises(ValueError, match="belong together"):
        VerifiersConfig(rule="conformal")


def test_agreement_counts_what_a_checklist_could_have_foreseen():
    def one(name: str, *, turned_away: bool, **votes: bool | None) -> Assessment:
        cast = tuple(Vote(checklist=k, passed=v, text="") for k, v in votes.items())
        return Assessment(candidate_id=name, votes=cast, turned_away=turned_away)

    reviews = [
        one("right", turned_away=False, compile=True, memory=True),
        one("lost", turned_away=True, compile=True, memory=False),
        one("torn", turned_away=False, compile=True, memory=True),
        one("wild", turned_away=True, compile=True, memory=False),
        one("open", turned_away=True, compile=False, memory=None),
        one("cannot", turned_away=True, compile=False, memory=False),
    ]
    statuses = {"right": "correct", "lost": "correct", "torn": "compile_error", "wild": "runtime_error",
                "cannot": "unsupported"}  # fmt: skip
    found = agreement(reviews, statuses)
    assert found["overall"] == {"n": 4, "accuracy": 0.5, "good_lost": 0.5, "bad_found": 0.5}
    assert found["compile"] == {"n": 3, "accuracy": 0.6667, "good_lost": 0.0, "bad_found": 0.0}
    assert found["memory"] == {"n": 3, "accuracy": 0.6667, "good_lost": 0.5, "bad_found": 1.0}
    assert json.dumps(found)


def test_badness_is_the_share_of_false_among_votes():
    votes = [Vote(checklist="memory", passed=p, text="") for p in (True, False, None, False)]
    assert badness(votes) == pytest.approx(2 / 3)
    assert badness(votes[2:3]) == 0.5
