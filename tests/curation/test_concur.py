"""ConCuR's selection on a worked example in which every boundary occurs, and the arms of its ablation."""

import pytest
from pydantic import ValidationError

from pipeline.curation import select, shortest_and_fastest, single_operator, speedup_over
from pipeline.curation.funnel import run_filters
from pipeline.errors import UserError
from pipeline.stages.curate import CurateConfig
from tests.curation.examples import features

# task -> level, and of each right answer the reasoning tokens and the speedup
MEASURED = {
    "both": (2, (10, 2.0), (20, 1.5)),
    "never": (2, (10, 1.0), (20, 2.0)),  # the shortest is not the fastest
    "tie_in_length": (2, (10, 1.0), (10, 2.0)),
    "tie_in_both": (2, (10, 2.0), (10, 2.0)),
    "tie_in_speed": (2, (20, 2.0), (10, 2.0)),
    "exactly_five": (2, (10, 1.0), (30, 5.0)),
    "over_five": (2, (10, 1.0), (30, 5.0001)),
    "two_over_five": (2, (10, 5.5), (20, 6.0)),
    "by_two_rules": (2, (10, 7.0),),
    "slow": (None, (10, 0.0),),
    "single": (1, (10, 1.0), (20, 2.0)),
    "single_tie": (1, (10, 1.0), (10, 3.0), (20, 4.0)),
    "single_by_first_rule": (1, (9, 2.0), (5, 3.0)),
}  # fmt: skip
UNMEASURED = {
    "shortest_unmeasured": (2, (10, None), (20, 2.0)),
    "over_five_beside_none": (2, (10, None), (20, 9.0)),
    "single_unmeasured": (1, (20, None), (10, None)),
}
FIRST, SECOND, THIRD = "shortest_and_fastest", "speedup_over", "single_operator"
CHOSEN = {
    "both-0": FIRST, "tie_in_length-1": FIRST, "tie_in_both-0": FIRST, "tie_in_speed-1": FIRST,
    "over_five-1": SECOND, "two_over_five-0": SECOND, "two_over_five-1": SECOND,
    "by_two_rules-0": FIRST, "slow-0": FIRST,
    "single-0": THIRD, "single_tie-0": THIRD, "single_by_first_rule-1": FIRST,
}  # fmt: skip


def rows(table):
    return [
        features(f"{task}-{i}", task, level=level, reasoning_tokens=tokens, speedup=speedup)
        for task, (level, *answers) in table.items()
        for i, (tokens, speedup) in enumerate(answers)
    ]


def test_the_three_rules_choose_what_they_chose_by_hand():
    table = rows(MEASURED)
    assert select.kept_by(table, select.Config()) == CHOSEN
    outcome = run_filters(table[::-1], [select.Config()])
    assert outcome.reasons == {r.candidate_id: "not_concur" for r in table if r.candidate_id not in CHOSEN}
    (step,) = outcome.steps
    assert step["kept_by"] == {FIRST: 7, SECOND: 3, THIRD: 2}
    assert (step["before"], step["after"]) == (len(table), 12)


def test_each_rule_is_a_filter_of_its_own():
    table = rows(MEASURED)
    first = shortest_and_fastest.apply(table, shortest_and_fastest.Config())
    assert {r.candidate_id for r in table} - first.keys() == {c for c, rule in CHOSEN.items() if rule == FIRST}
    assert set(first.values()) == {"not_shortest_and_fastest"}
    second = speedup_over.apply(table, speedup_over.Config())
    over = {"over_five-1", "two_over_five-0", "two_over_five-1", "by_two_rules-0"}
    assert {r.candidate_id for r in table} - second.keys() == over
    third = single_operator.apply(table, single_operator.Config())
    assert {r.candidate_id for r in table} - third.keys() == {"single-0", "single_tie-0", "single_by_first_rule-1"}
    assert third["single-1"] == "single_operator_not_chosen"
    assert third["both-0"] == "not_single_operator"
    assert len(single_operator.keeps(table, single_operator.Config(limit=2))) == 2


def test_speed_that_was_not_measured_is_an_error_unless_the_recipe_says_what_to_do():
    table = rows(MEASURED | UNMEASURED)
    for config in (
        select.Config(),
        select.Config(arm="fastest"),
        speedup_over.Config(),
        shortest_and_fastest.Config(),
    ):
        with pytest.raises(
            UserError, match=r"needs measured speed, and 4 of 31 right answers have none .*when_unmeas"
        ):
            run_filters(table, [config])
    by_length = select.kept_by(table, select.Config(when_unmeasured="shortest"))
    assert by_length == CHOSEN | {
        "shortest_unmeasured-0": FIRST, "over_five_beside_none-0": FIRST, "over_five_beside_none-1": SECOND,
        "single_unmeasured-1": FIRST,
    }  # fmt: skip
    left_out = select.kept_by(table, select.Config(when_unmeasured="drop"))
    assert left_out == CHOSEN | {"over_five_beside_none-1": SECOND, "single_unmeasured-1": THIRD}
    dropped = shortest_and_fastest.apply(table, shortest_and_fastest.Config(when_unmeasured="drop"))
    assert dropped["shortest_unmeasured-1"] == "speed_not_measured"
    assert dropped["both-1"] == "not_shortest_and_fastest"
    dropped = speedup_over.apply(table, speedup_over.Config(when_unmeasured="drop"))
    assert dropped["single_unmeasured-1"] == "speed_not_measured"
    assert dropped["exactly_five-1"] == "speedup_not_over_bound"


def test_the_arms_take_one_answer_of_each_task():
    table = rows(MEASURED)
    tasks = {row.task_id for row in table}
    for arm, key in (
        ("shortest", lambda r: (r.reasoning_tokens, r.candidate_id)),
        ("longest", lambda r: (-r.reasoning_tokens, r.candidate_id)),
        ("fastest", lambda r: (-r.speedup, r.candidate_id)),
    ):
        best = {min((r for r in table if r.task_id == task), key=key).candidate_id for task in tasks}
        assert select.kept_by(table, select.Config.model_validate({"arm": arm})).keys() == best, arm
    assert select.kept_by(table, select.Config(arm="all")).keys() == {r.candidate_id for r in table}
    draws = [select.kept_by(table, select.Config(arm="random", seed=seed)).keys() for seed in range(8)]
    assert all({candidate.split("-")[0] for candidate in drawn} == tasks for drawn in draws)
    assert len({frozenset(drawn) for drawn in draws}) > 4
    assert draws[3] == select.kept_by(table[::-1], select.Config(arm="random", seed=3)).keys()


def test_arms_can_be_made_equally_large():
    table = rows(MEASURED)
    for arm in ("concur", "all", "longest"):
        whole = select.kept_by(table, select.Config.model_validate({"arm": arm}))
        part = select.kept_by(table, select.Config.model_validate({"arm": arm, "size": 5}))
        assert len(part) == 5
        assert part.items() <= whole.items()


def test_an_arm_is_one_word_of_the_recipe():
    filters = [{"kind": "correct"}, {"kind": "select", "bound": 4}]
    config = CurateConfig.model_validate({"filters": filters, "arm": "longest"})
    assert config.chain()[1] == select.Config(arm="longest", bound=4)
    with pytest.raises(ValidationError, match="which is not among the filters"):
        CurateConfig.model_validate({"arm": "longest"})
    with pytest.raises(ValidationError, match="'reasoned' is there twice"):
        CurateConfig.model_validate({"filters": [{"kind": k} for k in ("correct", "reasoned", "reasoned")]})
