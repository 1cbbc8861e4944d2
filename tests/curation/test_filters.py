"""The promises of the filters, for any set of candidates."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.curation import balance, correct, duplicates, reasoned, shortest, too_long
from pipeline.curation.features import count_tokens, normalised_code, text_hash
from pipeline.curation.figures import BINS, curation_figures
from pipeline.curation.funnel import run_filters
from pipeline.recipe import load_recipe
from pipeline.stages.curate import CurateConfig
from tests.curation.examples import features


@pytest.mark.parametrize("path", sorted(Path("recipes").rglob("*.yaml")), ids=str)
def test_shipped_recipes_with_repairs_teach_no_answer_to_a_report(path):
    if "accelerate" in path.parts:
        return
    recipe = load_recipe(path)
    if recipe.generate and recipe.generate.max_turns > 1:
        kinds = [config.kind for config in (recipe.curate or CurateConfig()).filters]
        assert "first_turn" in kinds[: kinds.index("shortest") if "shortest" in kinds else None]


@st.composite
def candidate_sets(draw):
    n = draw(st.integers(0, 24))
    categories = {f"t{i}": draw(st.sampled_from("abcd")) for i in range(8)}
    rows = []
    for i in draw(st.permutations(range(n))):
        task = draw(st.sampled_from(sorted(categories)))
        code = draw(st.sampled_from([None, "x", "y", "z"]))
        status = draw(st.sampled_from(["correct", "incorrect", "cheating", "unsupported"])) if code else "malformed"
        reasoning = draw(st.integers(0, 12))
        rows.append(
            features(
                f"c{i:02d}", task, status, category=categories[task], reasoning_tokens=reasoning,
                completion_tokens=reasoning + draw(st.integers(0, 5)),
                text_hash=code and f"{reasoning}{code}", code_hash=code, normalised_code_hash=code,
            )
        )  # fmt: skip
    return rows


CHAIN = (
    correct.Config(),
    reasoned.Config(),
    duplicates.Config(),
    too_long.Config(max_tokens=12, max_reasoning_tokens=10),
    shortest.Config(),
    balance.Config(max_share=0.4),
)


@given(candidate_sets(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_decides_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    chain = (*CHAIN[:2], duplicates.Config(across_tasks="exact"), *CHAIN[3:])
    assert run_filters(shuffled, chain) == run_filters(rows, chain)


@given(candidate_sets())
def test_a_task_keeps_its_shortest_right_answer_and_no_other(rows):
    reasons = run_filters(rows, (correct.Config(), shortest.Config())).reasons
    kept = {row.task_id: row for row in rows if row.candidate_id not in reasons}
    right = [row for row in rows if row.accepted]
    assert len(kept) == len(rows) - len(reasons)
    assert kept.keys() == {row.task_id for row in right}
    for row in right:
        best = kept[row.task_id]
        assert (best.reasoning_tokens, best.candidate_id) <= (row.reasoning_tokens, row.candidate_id)


@given(candidate_sets())
def test_every_drop_has_a_reason_and_every_row_is_counted(rows):
    outcome = run_filters(rows, CHAIN)
    assert all(outcome.reasons.values())
    assert outcome.reasons.keys() <= {row.candidate_id for row in rows}
    left = len(rows)
    for step in outcome.steps:
        assert step["before"] == left
        left -= sum(step["reasons"].values())
        assert step["after"] == left
    assert left == len(rows) - len(outcome.reasons)
    for row in rows:
        if not row.accepted:
            assert outcome.reasons[row.candidate_id] == f"not_accepted:{row.status}"


@given(st.lists(st.integers(1, 300), max_size=8), st.floats(0.05, 1))
def test_balance_keeps_as_much_as_the_share_allows(counts, share):
    rows = [features(f"{c}-{i}", category=str(c)) for c, n in enumerate(counts) for i in range(n)]
    dropped = balance.apply(rows, balance.Config(max_share=share))
    kept = Counter(row.category for row in rows if row.candidate_id not in dropped)
    limit = max(Fraction(share).limit_denominator(10**6), Fraction(1, max(1, len(counts))))
    assert len(kept) == len(counts)
    assert all(n <= limit * kept.total() for n in kept.values())
    if dropped:  # one more row per category would break the limit
        more = Counter({c: min(counts[int(c)], max(kept.values()) + 1) for c in kept})
        assert max(more.values()) > limit * more.total()


def test_duplicates_are_the_same_text_or_if_asked_the_same_code_elsewhere():
    short = features("a", "t1", text_hash="short+k", code_hash="k", normalised_code_hash="n", reasoning_tokens=3)
    again = features("b", "t1", text_hash="short+k", code_hash="k", normalised_code_hash="n", reasoning_tokens=3)
    longer = features("c", "t1", text_hash="long+k", code_hash="k", normalised_code_hash="n")
    other = features("d", "t2", text_hash="short+k", code_hash="k", normalised_code_hash="n")
    relaid = features("e", "t3", text_hash="short+k2", code_hash="k2", normalised_code_hash="n")
    rows = [other, relaid, longer, again, short]
    assert duplicates.apply(rows, duplicates.Config()) == {"b": "duplicate_text"}
    exact = duplicates.apply(rows, duplicates.Config(across_tasks="exact"))
    assert exact == {"b": "duplicate_text", "d": "duplicate_code"}
    normalised = duplicates.apply(rows, duplicates.Config(across_tasks="normalised"))
    assert normalised == {"b": "duplicate_text", "d": "duplicate_code", "e": "duplicate_code"}


def test_limits_of_length_name_what_is_over():
    rows = [
        features("fits", reasoning_tokens=10, completion_tokens=20),
        features("trace", reasoning_tokens=11, completion_tokens=12),
        features("whole", reasoning_tokens=10, completion_tokens=21),
        features("silent", reasoning_tokens=0, completion_tokens=20),
    ]
    dropped = too_long.apply(rows, too_long.Config(max_tokens=20, max_reasoning_tokens=10))
    assert dropped == {"trace": "reasoning_too_long", "whole": "completion_too_long"}
    assert reasoned.apply(rows, reasoned.Config()) == {"silent": "no_reasoning"}


def test_a_chain_without_the_judge_is_refused():
    with pytest.raises(ValidationError, match="first filter must be"):
        CurateConfig.model_validate({"filters": [{"kind": "shortest"}]})


CODE = 'import torch\n\ncuda = """\n__global__ void k(float* x) { // one\n    x[0] = 1 / 2; /* two\n */ }\n"""\n'


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace(" // one", ""),
        CODE.replace("    x[0]", "  x[0]").replace("two", "three"),
        "# a comment\n" + CODE.replace("\n\n", "\n\n\n"),
    ],
)
def test_comments_and_layout_are_no_difference(other):
    assert text_hash(other) != text_hash(CODE)
    assert normalised_code(other) == normalised_code(CODE)


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("1 / 2", "1 * 2"),
        CODE.replace("import torch", "import numpy"),
        CODE.replace("x[0] = 1", '"// x[0] = 1"'),
        "if True:\n    a = 1\n    b = 2\n",
        "broken (",
    ],
)
def test_any_other_change_is_a_difference(other):
    assert normalised_code(other) != normalised_code(CODE)
    assert normalised_code("if True:\n    a = 1\nb = 2\n") != normalised_code("if True:\n    a = 1\n    b = 2\n")


def test_hashes_keep_reasoning_and_code_apart():
    assert text_hash("ab", "c") != text_hash("a", "bc")


def test_words_numbers_and_marks_are_counted():
    assert count_tokens("x[i] = 2.5f;  // half") == 12
    assert count_tokens(None) == count_tokens("") == 0


@settings(deadline=None)
@given(candidate_sets())
def test_every_judged_candidate_is_in_one_bin(rows):
    figures = curation_figures(rows, [row.candidate_id for row in rows if row.accepted])
    lengths = figures["reasoning_tokens"]
    for name, status in (("right", {"correct"}), ("wrong", {"incorrect", "cheating", "malformed"})):
        mine = [row.reasoning_tokens for row in rows if row.status in status]
        assert lengths[name]["n"] == len(mine)
        if mine:
            assert sum(lengths[name]["histogram"]) == len(mine)
            assert lengths[name]["lower_quartile"] <= lengths[name]["median"] <= lengths[name]["upper_quartile"]
            assert lengths["edges"][0] <= min(mine) <= max(mine) < lengths["edges"][-1]
    assert len(lengths["edges"]) <= BINS + 1
    assert sum(c["candidates"] for c in figures["by_category"].values()) == len(rows)
