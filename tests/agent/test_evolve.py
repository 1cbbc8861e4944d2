import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.agent.assessments import Assessment, Vote
from pipeline.agent.evolve import EvolveConfig, evolve
from pipeline.agent.hints import hints, sample_hints
from pipeline.agent.loop import Helpers
from pipeline.agent.objective import described, score
from pipeline.agent.verdicts import RememberingJudge
from pipeline.agent.verifiers import Reviewing
from pipeline.errors import BudgetSpentError, RefusedError, TeacherError
from pipeline.records import Candidate, Check, Timing, Verdict
from tests.agent.stand_ins import TASK, NumberJudge, NumberTeacher

CONFIG: dict[str, Any] = {"kind": "evolve", "generations": 4, "proposals": 5, "crossover": 0.3}


def run(
    teacher: Any,
    judge: Any,
    earlier: Sequence[Candidate] = (),
    verifiers: Reviewing | None = None,
    kept: list[Candidate] | None = None,
    **changes: Any,
) -> list[Candidate]:
    config = EvolveConfig.model_validate(CONFIG | changes)
    candidates = kept if kept is not None else []

    async def main() -> None:
        helpers = Helpers(teacher, judge, verifiers, 5)
        async for candidate in evolve(TASK, helpers, earlier, config, config.generations):
            candidates.append(candidate)

    asyncio.run(main())
    return sorted(candidates, key=lambda c: (c.turn, c.sample))


def test_generations_get_better_from_parents_that_are_right_and_told_slow_to_fast():
    teacher, judge = NumberTeacher(), NumberJudge()
    candidates = run(teacher, judge)
    assert [(c.turn, c.sample) for c in candidates] == [(t, s) for t in range(4) for s in range(5)]
    by_id = {c.id: c for c in candidates}
    assert all(not c.parents for c in candidates if c.turn == 0)
    for candidate in candidates:
        if (
            "right answers exist" not in candidate.messages[0].content
            or "from the worst" not in candidate.messages[0].content
        ):
            continue
        numbers = [int((by_id[parent].code or "").split()[-1]) for parent in candidate.parents]
        assert 2 <= len(numbers) <= 5
        assert numbers == sorted(numbers, reverse=True)
        assert all(number % 3 for number in numbers)
        assert all(by_id[parent].turn < candidate.turn for parent in candidate.parents)
    best = [min(int(c.code.split()[-1]) for c in candidates if c.turn == t and c.code) for t in range(4)]
    assert best[3] < best[0]


def test_no_kernel_is_judged_twice():
    judge = NumberJudge()
    candidates = run(NumberTeacher(), judge)
    codes = [c.code for c in candidates if c.code]
    assert len(judge.judged) == len(set(judge.judged)) == len(set(codes)) < len(codes)


@pytest.mark.parametrize("stored", [1, 4, 5, 8, 13, 19, 20])
def test_an_interrupted_evolution_goes_on_to_the_same_candidates(stored, tmp_path: Path):
    with RememberingJudge(NumberJudge(), tmp_path) as judge:
        whole = run(NumberTeacher(), judge)
    generation = whole[stored - 1].turn
    kept = random.Random(stored).sample([c for c in whole if c.turn == generation], (stored - 1) % 5 + 1)
    earlier = [c for c in whole if c.turn < generation] + kept  # the slots of a generation end in any order
    teacher = NumberTeacher()
    with RememberingJudge(NumberJudge(), tmp_path) as judge:  # its noise is another one than before
        rest = run(teacher, judge, earlier)
    assert len(teacher.asked) == len(whole) - len(earlier)
    assert {c.id for c in [*earlier, *rest]} == {c.id for c in whole}


class Faulty(NumberTeacher):
    def __init__(self, fault: Exception, first: int) -> None:
        super().__init__()
        self.fault, self.first = fault, first

    async def complete(self, messages, seed):
        if len(self.asked) >= self.first:
            raise self.fault
        return await super().complete(messages, seed)


@pytest.mark.parametrize("fault", [BudgetSpentError("spent"), TeacherError("busy")])
def test_a_fault_keeps_what_the_other_slots_were_answered(fault):
    kept: list[Candidate] = []
    with pytest.raises(type(fault)):
        run(Faulty(fault, 7), NumberJudge(), kept=kept)
    assert len(kept) == 7


def test_a_refused_proposal_is_an_empty_candidate_but_not_if_all_are():
    candidates = run(Faulty(RefusedError("too long"), 8), NumberJudge(), generations=2)
    assert [c.finish_reason for c in candidates].count("refused") == 2
    with pytest.raises(RefusedError):
        run(Faulty(RefusedError("too long"), 0), NumberJudge())


def test_tokens_and_patience_end_a_task():
    spent = run(NumberTeacher(), NumberJudge(), tokens_per_task=200)
    assert len(spent) == 10  # 150 tokens a generation: one more is begun at 150, none at 300

    class Stubborn(NumberTeacher):
        async def complete(self, messages, seed):
            return await super().complete((messages[-1].model_copy(update={"content": ""}),), 6)

    assert len(run(Stubborn(), NumberJudge(), generations=9, patience=2)) == 15


def test_a_crossover_shows_two_right_kernels_the_better_one_last_and_ideas():
    candidates = run(NumberTeacher(), NumberJudge(), crossover=1, hints=2)
    codes = {c.id: c.code or "" for c in candidates}
    texts = [text for lines in hints().values() for text in lines]
    last = [c for c in candidates if c.turn == 3]
    for candidate in last:
        asked = candidate.messages[0].content
        assert "Combine them" in asked
        worse, better = (int(codes[parent].split()[-1]) for parent in candidate.parents)
        assert worse > better
        assert asked.index(codes[candidate.parents[0]]) < asked.index(codes[candidate.parents[1]])
        assert sum(text in asked for text in texts) == 2
    assert len({c.messages[0].content for c in last}) > 1  # each slot draws its own
    never = run(NumberTeacher(), NumberJudge(), crossover=0)
    assert not any("Combine them" in c.messages[0].content for c in never)


class Reviewer:
    """Prefers small numbers and turns away 102."""

    best = 2

    async def assess(self, task, candidate, seed):
        number = int(candidate.code.split()[-1])
        votes = [Vote(checklist="compile", passed=n >= number - 94, text="") for n in range(10)]
        return Assessment(candidate_id=candidate.id, votes=tuple(votes), turned_away=number == 102)


def test_the_best_by_review_go_to_the_judge():
    judge = NumberJudge()
    candidates = run(NumberTeacher(), judge, verifiers=Reviewer(), generations=1, proposals=9)
    numbers = sorted({int(c.code.split()[-1]) for c in candidates if c.code} - {102})
    assert sorted(int(code.split()[-1]) for code in judge.judged) == numbers[:2]


class Grumbler:
    """Turns everything away."""

    best = None

    def __init__(self) -> None:
        self.reviewed: list[str] = []

    async def assess(self, task, candidate, seed):
        self.reviewed.append(candidate.code)
        return Assessment(candidate_id=candidate.id, votes=(), turned_away=True)


def test_reviewers_who_turn_everything_away_lock_no_task_out():
    judge, grumbler = NumberJudge(), Grumbler()
    run(NumberTeacher(), judge, verifiers=grumbler)
    assert len(judge.judged) == 4  # one of each generation
    assert len(grumbler.reviewed) > len(set(grumbler.reviewed))  # what was only turned away is reviewed again


def test_hints_are_whole_sentences_of_different_categories():
    found = hints()
    texts = [text for lines in found.values() for text in lines]
    assert len(set(texts)) == len(texts) >= 40
    assert all(text.endswith(".") for text in texts)
    category = {text: name for name, lines in found.items() for text in lines}
    for seed in range(20):
        drawn = sample_hints(5, random.Random(seed))
        assert len({category[text] for text in drawn}) == 5
    assert len(set(sample_hints(20, random.Random(0)))) == 20


def test_speed_is_named_only_where_it_was_measured():
    timing = Timing(candidate_ms=2.0, eager_ms=3.0, speedup=1.5, speedup_low=1.4, speedup_high=1.6, roofline_ms=1.0)
    fast = Verdict(candidate_id="c", status="correct", reason=None, checks=(Check(name="x", passed=True),),
                   timing=timing, backend="cuda", judge_version="1")  # fmt: skip
    found = score("milliseconds", "x = 1", fast)
    assert found is not None
    assert found.first == 2.0
    assert described("milliseconds", found, fast) == "2 ms, 1.50 times as fast as eager (3 ms); the roofline 1 ms"
    assert score("milliseconds", "x = 1", fast.model_copy(update={"timing": None})) is None
    candidates = run(NumberTeacher(), NumberJudge())
    text = " ".join(c.messages[0].content for c in candidates if c.turn > 0)
    assert "speed is not measured" in text
    assert " ms" not in text
    assert "faster" not in text
