"""What is made beside the samples: pairs, turns, several answers a task, a mixture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.curation import mixture, multi_turn, per_task, preference
from pipeline.curation.joining import Job, Joiner
from pipeline.training_samples import PreferencePair
from tests.curation.examples import features


def pairs(good, wrong=(), **settings):
    found = preference.chosen_pairs(good, wrong, preference.Config(**settings))
    return [(kind, a.candidate_id, b.candidate_id) for kind, a, b in found]


def test_right_before_wrong_and_fast_before_slow():
    good = [
        features(c, reasoning_tokens=n, speedup=speedup, text_hash=c)
        for c, n, speedup in (("a", 9, 1.0), ("b", 5, 3.0), ("c", 7, 2.0), ("d", 5, None))
    ]
    wrong = [
        features("v", status="incorrect", text_hash="1"),
        features("w", status="cheating", text_hash="2"),
        features("x", status="incorrect", text_hash="1"),  # v's text again
        features("y", status="unsupported", text_hash="4"),
        features("z", status="malformed"),
        features("other", "t2", status="incorrect", text_hash="5"),
    ]
    assert pairs(good, wrong[::-1]) == [
        ("correctness", "b", "v"), ("correctness", "d", "w"), ("speed", "b", "a")
    ]  # fmt: skip
    assert pairs(good, wrong, pairs_per_task=1, kinds=("correctness",)) == [("correctness", "b", "v")]
    assert pairs(good, wrong, kinds=("speed",), min_ratio=3.0) == [("speed", "b", "a")]
    assert pairs(good, wrong, kinds=("speed",), min_ratio=3.01) == []
    assert pairs(good[:1], kinds=("speed",)) == []


def test_a_pair_that_is_no_preference_can_not_be_made():
    fields = {
        "task_id": "t", "category": "c", "prompt": (), "chosen": (), "rejected": (), "chosen_candidate_id": "a",
        "chosen_verdict_id": "va", "chosen_reasoning_tokens": 1, "rejected_candidate_id": "b",
        "rejected_verdict_id": "vb", "rejected_reasoning_tokens": 2, "rejected_reason": None,
    }  # fmt: skip
    for wrong in (
        {"kind": "correctness", "rejected_status": "correct"},
        {"kind": "speed", "rejected_status": "incorrect"},
        {"kind": "speed", "rejected_status": "correct"},
        {"kind": "speed", "rejected_status": "correct", "chosen_speedup": 1.0, "rejected_speedup": 1.0},
    ):
        with pytest.raises(ValidationError, match="a pair of kind"):
            PreferencePair.model_validate(fields | wrong)
    fast = {"kind": "speed", "rejected_status": "correct", "chosen_speedup": 2.0, "rejected_speedup": 1.0}
    assert PreferencePair.model_validate(fields | fast).id


def rollout(name, *statuses, sample=0):
    return [
        features(f"{name}{turn}", name, status, turn=turn, sample=sample, speedup=2.0 if status == "correct" else None,
                 text_hash=None if status == "malformed" else f"{name}{turn}")
        for turn, status in enumerate(statuses)
    ]  # fmt: skip


def test_turns_of_rollouts_that_end_right():
    rows = [
        *rollout("mended", "incorrect", "malformed", "correct"),
        *rollout("at_once", "correct"),
        *rollout("never", "incorrect", "timeout"),
        *rollout("dirty", "incorrect", "correct"),
    ]
    good = [row for row in rows if row.accepted and row.task_id != "dirty"]
    chosen = [row.candidate_id for row, _ in multi_turn.chosen_turns(good, rows[::-1], multi_turn.Config())]
    assert chosen == ["mended2"]
    both = list(multi_turn.chosen_turns(good, rows, multi_turn.Config(turns="all")))
    assert [row.candidate_id for row, _ in both] == ["mended0", "mended2"]
    assert multi_turn.scores(both[0][1]) == pytest.approx([0.16 * 2.3, 0.4 * 2.3, 2.3])


def test_a_summary_is_how_a_trace_begins_and_ends():
    trace = "One. Two.\nThree! Four? Five."
    assert multi_turn.summary(trace, 1) == "One. ... Five."
    assert multi_turn.summary(trace, 3) == "One. Two. Three! Four? Five."
    assert multi_turn.summary(None, 1) is None


def test_rejection_sampling_keeps_k_right_answers_of_each_task():
    rows = [features(f"{task}{n}", task, reasoning_tokens=10 - n // 2) for task in "ab" for n in range(6)]
    kept = {r.candidate_id for r in rows} - per_task.apply(rows, per_task.Config(k=3)).keys()
    assert kept == {"a4", "a5", "a2", "b4", "b5", "b2"}
    drawn = per_task.apply(rows, per_task.Config(k=3, prefer="random", seed=1))
    assert len(drawn) == 6
    assert drawn == per_task.apply(rows[::-1], per_task.Config(k=3, prefer="random", seed=1))
    assert drawn != per_task.apply(rows, per_task.Config(k=3, prefer="random", seed=2))


def test_a_mixture_is_met_and_what_it_does_not_name_goes():
    rows = [features(f"{c}{i}", category=c) for c, n in (("a", 10), ("b", 4), ("c", 3)) for i in range(n)]
    dropped = mixture.apply(rows, mixture.Config(target={"a": 1, "b": 2, "c": 0}))
    left = [row.category for row in rows if row.candidate_id not in dropped]
    assert (left.count("a"), left.count("b"), left.count("c")) == (2, 4, 0)
    assert sorted(set(dropped.values())) == ["not_in_mixture", "over_share"]
    more = mixture.apply(rows, mixture.Config(target={"a": 1, "b": 2}, min_rows=12))
    left = [row.category for row in rows if row.candidate_id not in more]
    assert (left.count("a"), left.count("b")) == (4, 4)
    assert len(mixture.apply(rows, mixture.Config(target={"a": 1, "missing": 1}))) == len(rows)
    levels = [features("x", level=1), features("y", level=None), features("z", level=2, difficulty="hard")]
    assert mixture.apply(levels, mixture.Config(by="level", target={"1": 1, "none": 1})) == {"z": "not_in_mixture"}
    assert mixture.apply(levels, mixture.Config(by="difficulty", target={"hard": 1})).keys() == {"x", "y"}
    with pytest.raises(ValidationError, match="one is above"):
        mixture.Config(target={"a": 0})


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), max_size=6), st.permutations("abcd"))
def test_what_is_made_from_several_answers_waits_for_them_and_lets_them_go(wanted, order):
    jobs = [Job(str(i), "table", pair, dict) for i, pair in enumerate(wanted)]
    joiner = Joiner(jobs)
    built, come = [], set()
    for name in order:
        come.add(name)
        for job, row in joiner.add(name, {"text": name}):
            assert set(job.candidates) <= come
            assert row == {c: {"text": c} for c in job.candidates}
            built.append(job.key)
    assert sorted(built) == sorted(job.key for job in jobs)
    assert len(joiner) == 0
