"""DCO against the formulas of its paper, and as a loss that trains."""

import math
from pathlib import Path

import pytest
import torch

from pipeline.training.losses import dco_loss
from pipeline.training.sft import train
from tests.training.examples import config, samples


def test_one_sample_is_cross_entropy():
    log_probs = torch.tensor([-0.01, -0.5, -3.0, -29.9, -30.1, -80.0, -2000.0], dtype=torch.float64)
    assert torch.allclose(dco_loss(log_probs, 1), -log_probs, rtol=1e-5)


@pytest.mark.parametrize("n", [2, 16, 256])
def test_value_and_gradient_are_the_papers(n: int):
    log_probs = torch.tensor(
        [-0.01, -0.5, -3.0, -9.0, -29.99, -30.01, -60.0], dtype=torch.float64, requires_grad=True
    )
    loss = dco_loss(log_probs, n)
    (gradient,) = torch.autograd.grad(loss.sum(), log_probs)
    for value, slope, log_p in zip(loss.tolist(), gradient.tolist(), log_probs.tolist(), strict=True):
        p = math.exp(log_p)
        missed = -math.expm1(n * math.log1p(-p))
        assert value == pytest.approx(-math.log(missed), rel=1e-6)
        factor = n * (1 - p) ** (n - 1) * p / missed  # cross entropy's gradient with respect to ln p is -1
        assert slope == pytest.approx(-factor, rel=1e-6, abs=1e-12)


def test_certain_and_impossible_sequences_have_finite_gradients():
    log_probs = torch.tensor([0.0, -1e-9, -1e4], requires_grad=True)
    loss = dco_loss(log_probs, 64)
    (gradient,) = torch.autograd.grad(loss.sum(), log_probs)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


def test_it_trains(tmp_path: Path):
    outcome = train(
        samples(), config(loss="dco", samples_at_test=4, sft={"max_steps": 12}), tmp_path, 0, lambda *_: None
    )
    losses = [step["loss"] for step in outcome["steps"]]
    assert losses[-1] < 0.8 * losses[0]
    assert outcome["steps"][0]["mean_token_accuracy"] < outcome["steps"][-1]["mean_token_accuracy"]
