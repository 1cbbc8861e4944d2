"""No honest kernel is rejected, whatever its kind: each pair through the real judge, strict."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pipeline.judge.config import JudgeConfig
from pipeline.judge.distributions import transform
from pipeline.judge.fresh_weights import randomise
from pipeline.judge.inputs import Distribution
from pipeline.judge.judge import Judge
from pipeline.records import Verdict
from tests.honest.pairs import Pair, pairs

PAIRS = pairs()
BOUND_SHARE = 0.5  # an honest error nearer to its bound than this would cross it on some other day


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", workers=1, seeds="honest", cache=builds)) as judge:
        yield judge


def test_there_are_enough_kinds():
    assert len(PAIRS) >= 60
    assert len({pair.task.category for pair in PAIRS}) >= 12


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_an_honest_kernel_is_accepted_with_room_to_spare(judge: Judge, pair: Pair):
    verdict = judge.submit(pair.task, pair.code, pair.name).result()
    assert verdict.accepted, f"{verdict.status}, {verdict.reason}: {verdict.detail}"
    if pair.task.category != "attention":  # exponentials of large products amplify rounding, eager's by luck less
        assert largest_share(verdict) < BOUND_SHARE


def largest_share(verdict: Verdict) -> float:
    """Return the largest error over its bound."""
    figures = [check.figures for check in verdict.checks if "bound" in check.figures]
    return max(float(f["error"] or 0) / float(f["bound"] or 1) for f in figures)


NOT_CONTIGUOUS = "37_matmul_transposed_strided"


def test_a_kernel_that_ignores_strides_is_found_out(judge: Judge):
    pair = next(pair for pair in PAIRS if pair.name == NOT_CONTIGUOUS)
    assert "At.stride(0), At.stride(1)" in pair.code
    code = pair.code.replace("At.stride(0), At.stride(1)", "1, M")
    assert judge.submit(pair.task, code, "strides").result().reason == "wrong_values"


def test_what_guards_a_division_by_zero_counts(judge: Judge):
    pair = next(pair for pair in PAIRS if pair.name == "31_instancenorm_residual")
    assert "/ n + eps" in pair.code
    code = pair.code.replace("/ n + eps", "/ n - eps")
    verdict = judge.submit(pair.task, code, "eps").result()
    assert (verdict.reason, verdict.checks[-1].name) == ("wrong_values", "correct:odd/3/faint/random")


def test_whole_numbers_are_zeros_in_every_second_row_unless_that_breaks_what_they_are():
    torch.manual_seed(0)
    tokens = torch.randint(0, 9, (6, 20))
    (zeros,) = transform([tokens], "zeros", seed=3)
    assert torch.equal(zeros[1::2], tokens[1::2])
    assert not zeros[::2].any()
    for kept in (torch.randperm(50), torch.randint(0, 9, (30,)).sort().values, tokens + 1):
        assert torch.equal(transform([kept], "zeros", seed=3)[0], kept)


@pytest.mark.parametrize(
    "distribution", ["shifted", "spiky", "large", "faint", "signed", "coarse", "touched", "zeros", "level"]
)
def test_changed_inputs_keep_their_form(distribution: Distribution):
    x = torch.randn(40, 40, dtype=torch.float64)
    symmetric, triangular = transform([x + x.T, x.tril()], distribution, seed=3)
    assert torch.equal(symmetric, symmetric.T)
    assert torch.equal(triangular, triangular.tril())
    assert not torch.equal(triangular, x.tril())


def test_coarse_inputs_hold_equal_values_zeros_and_halves():
    coarse, other = transform([torch.randn(1000), torch.rand(1000) * 1.5], "coarse", seed=3)
    for values in (coarse, other):
        assert values.unique().numel() < 30
        assert (values == 0).any()
        assert ((values % 1) == 0.5).any()
        assert ((2 * values % 1) == 0.5).any()  # of a task that doubles them before it rounds
    assert torch.isin(other, coarse).all()
    assert torch.equal(transform([torch.zeros(3)], "coarse", seed=3)[0], torch.zeros(3))


def test_signs_and_numbers_change_too():
    x = torch.rand(1000) + 0.5
    (signed,) = transform([x], "signed", seed=3)
    assert torch.equal(signed.abs(), x)
    assert 400 < (signed < 0).sum().item() < 600
    assert transform([2.0, 2, True], "shifted", seed=3) == [1.5, 2, True]


def test_one_value_of_each_argument_is_touched():
    x, symmetric = torch.randn(40, 40), torch.randn(20, 20)
    symmetric += symmetric.T.clone()
    signed, touched = (transform([x, symmetric], kind, seed=3) for kind in ("signed", "touched"))
    changed = [(one != other).sum().item() for one, other in zip(signed, touched, strict=True)]
    assert changed[0] == 1
    assert changed[1] in (1, 2)  # on the diagonal, or on both sides of it


def test_every_second_row_is_zero():
    x = torch.randn(1, 7, 5)
    (zeros,) = transform([x], "zeros", seed=3)
    assert torch.equal(zeros[:, 1::2], x[:, 1::2])
    assert not zeros[:, ::2].any()
    (masked,) = transform([x.masked_fill(x < 0, -torch.inf)], "zeros", seed=3)
    assert not masked.isnan().any()


def test_masks_that_are_all_the_same_are_so_no_more():
    all_true, some = torch.ones(400, dtype=torch.bool), torch.arange(400) < 9
    (mask, same), (again, _) = (transform([all_true, some], kind, seed=3) for kind in ("signed", "touched"))
    assert 200 < mask.sum().item() < 400
    assert torch.equal(same, some)
    assert torch.equal(mask, again)


def test_parameters_that_follow_a_rule_get_other_values():
    model = torch.nn.Module()
    fixed = torch.nn.Parameter(torch.eye(6), requires_grad=False)  # a filter, which nobody trains
    made = {"eye": torch.eye(6), "ramp": torch.linspace(0, 1, 9), "one": torch.tensor(0.25), "zero": torch.zeros(1)}
    drawn = torch.randn(8, 8)
    for name, value in {**made, "drawn": drawn}.items():
        model.register_parameter(name, torch.nn.Parameter(value.clone()))
    model.register_parameter("fixed", fixed)
    with torch.no_grad():
        randomise(model, 5)
    assert all(bool((model.get_parameter(name) != value).any()) for name, value in made.items())
    assert model.get_parameter("one") > 0
    assert torch.equal(model.get_parameter("drawn"), drawn)
    assert torch.equal(model.get_parameter("fixed"), torch.eye(6))


def test_one_value_in_64_is_spiky():
    x = torch.randn(64_000)
    (spiky,) = transform([x], "spiky", seed=3)
    assert (spiky != x).sum().item() == pytest.approx(1000, abs=150)
    assert torch.equal(spiky[spiky != x], 8 * x[spiky != x])
    assert not torch.equal(spiky, transform([x], "spiky", seed=4)[0])


def test_one_lucky_case_does_not_make_a_decoy(judge: Judge):
    """Two booleans a row, mostly true: in some runs unwritten memory holds them at the first setting."""
    pair = next(pair for pair in PAIRS if pair.name == "23_any_all_votes")
    for number in range(8):
        assert judge.submit(pair.task, f"{pair.code}\n# {number}", "votes").result().accepted
