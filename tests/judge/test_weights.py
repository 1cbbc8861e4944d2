"""Whose weights are whose: by name, by value, or no telling; and which are held nowhere."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from pipeline.judge.fresh_weights import change_weights
from pipeline.judge.weights import halved, held_nowhere, load, own_names


def seeded(*layers: tuple[str, type[nn.Module], tuple[int, ...]]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict((name, layer(*sizes)) for name, layer, sizes in layers))


def test_names_win_over_values():
    theirs = seeded(("a", nn.Linear, (3, 3)), ("b", nn.Linear, (3, 3)))
    ours = seeded(("b", nn.Linear, (3, 3)), ("a", nn.Linear, (3, 3)))
    names = own_names(ours, theirs.state_dict())
    assert names == {name: name for name in theirs.state_dict()}


def test_renamed_weights_are_found_by_value_and_loaded_in_place():
    theirs = seeded(("fc", nn.Linear, (3, 4)), ("bn", nn.BatchNorm1d, (4,)))
    ours = seeded(("project", nn.Linear, (3, 4)), ("norm", nn.BatchNorm1d, (4,)))
    names = own_names(ours, theirs.state_dict())
    assert names is not None
    assert (names["fc.weight"], names["bn.running_var"]) == ("project.weight", "norm.running_var")
    fresh = {name: torch.randn_like(t) if t.is_floating_point() else t for name, t in theirs.state_dict().items()}
    kept = ours.state_dict()["project.weight"].data_ptr()
    assert load(ours, fresh, names)
    assert torch.equal(ours.state_dict()["norm.bias"], fresh["bn.bias"])
    assert ours.state_dict()["project.weight"].data_ptr() == kept


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([("x", nn.LayerNorm, (4,)), ("y", nn.LayerNorm, (4,))], id="two of ones: which is which?"),
        pytest.param([("x", nn.LayerNorm, (4,))], id="one too few"),
    ],
)
def test_there_may_be_no_telling(layers: list[tuple[str, type[nn.Module], tuple[int, ...]]]):
    theirs = seeded(("one", nn.LayerNorm, (4,)), ("two", nn.LayerNorm, (4,)))
    assert own_names(seeded(*layers), theirs.state_dict()) is None


def test_the_last_digits_of_a_weight_do_not_matter():
    theirs = seeded(("a", nn.Linear, (30, 30)))
    ours, others = seeded(("b", nn.Linear, (30, 30))), nn.Sequential(nn.Linear(30, 30))
    for tensor in ours.state_dict().values():
        tensor.mul_(2.236 / 5**0.5)
    assert own_names(ours, theirs.state_dict()) == {"a.weight": "b.weight", "a.bias": "b.bias"}
    assert held_nowhere(ours, theirs.state_dict()) == []
    assert held_nowhere(others, theirs.state_dict()) == ["a.weight", "a.bias"]


def test_a_weight_that_modules_share_is_one_weight():
    torch.manual_seed(0)
    theirs, ours = nn.Module(), nn.Module()
    theirs.first = theirs.last = nn.Linear(3, 3)
    ours.only = nn.Linear(3, 3)
    with torch.no_grad():
        ours.only.weight.copy_(theirs.first.weight)
        ours.only.bias.copy_(theirs.first.bias)
    names = own_names(ours, theirs.state_dict())
    assert names is not None
    assert set(names.values()) == {"only.weight", "only.bias"}
    before = theirs.first.weight.detach().clone()
    with torch.no_grad():
        change_weights(theirs, {"distribution": "own", "fresh_weights": False, "halved": ()}, torch.Generator())
    assert torch.equal(theirs.first.weight, halved(before))


def test_what_does_not_fit_changes_nothing():
    theirs, ours = seeded(("a", nn.Linear, (3, 3))), seeded(("b", nn.Linear, (3, 4)))
    before = ours.state_dict()["b.weight"].clone()
    assert not load(ours, theirs.state_dict(), {"a.weight": "b.weight", "a.bias": "b.bias"})
    assert torch.equal(ours.state_dict()["b.weight"], before)


def test_rearranged_and_rounded_weights_are_held_and_worked_up_ones_are_not():
    theirs = seeded(("one", nn.Linear, (3, 4)), ("two", nn.Linear, (4, 5)), ("ln", nn.LayerNorm, (5,)))
    state = theirs.state_dict()
    ours = nn.Module()
    ours.packed = {"list": [torch.cat([state["one.weight"].t().flatten(), state["one.bias"]])]}  # type: ignore[assignment]
    ours.register_buffer("rounded", state["two.weight"].half())
    ours.product = state["two.bias"] * 2
    ours.ones = torch.ones(4)  # one less than the norm has
    assert held_nowhere(ours, state) == ["two.bias", "ln.weight", "ln.bias"]
