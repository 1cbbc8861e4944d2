"""The full catalogue: every operator runs, times are in the wanted range, and held-out sequences are held out."""

import pytest
import torch
from pydantic import ValidationError

from pipeline.errors import UserError
from pipeline.judge.task_filters import TaskFilters
from pipeline.sources import composed, full
from pipeline.sources.catalogue import CATALOGUE
from pipeline.sources.chains import SHAPES, Chain, after, fits, module_text
from pipeline.sources.estimate import eager_estimate

TINY = {"BATCH": 8, "LENGTH": 16, "FEATURES": 32, "CHANNELS": 8, "DEPTH": 8, "HEIGHT": 12, "WIDTH": 16}


def config(**options) -> composed.Config:
    return composed.Config.model_validate(
        {"catalogue": "full", "train": 28, "heldout": 4, "eager_ms": None} | options
    )


def test_every_operator_runs_on_every_shape_that_it_takes_and_gives_the_axes_that_it_says():
    assert len({operator.name for operator in CATALOGUE}) >= 100
    for operator in CATALOGUE:
        ran = 0
        for shape, named in SHAPES.items():
            axes = ("BATCH", *named)
            if not fits(operator, axes):
                continue
            sizes = {name: TINY[name] for name in axes}
            names: dict = {}
            exec(module_text(Chain(shape, ((operator, axes),)), sizes), names)
            torch.manual_seed(0)
            with torch.no_grad():
                result = names["Model"](*names["get_init_inputs"]())(*names["get_inputs"]())
            expected = after(operator, axes)
            assert result.dim() == len(expected), (operator.name, shape)
            for size, name in zip(result.shape, expected, strict=True):
                assert name is None or size == TINY[name], (operator.name, shape)
            assert torch.isfinite(result).all(), (operator.name, shape)
            assert result.std() > 1e-3, (operator.name, shape)
            ran += 1
        assert ran, operator.name


def test_counts_lengths_families_and_the_held_out_sequences():
    tasks = list(composed.read(config(train=42, heldout=10), seed=3))
    train = [t for t in tasks if t.split == "train"]
    heldout = [t for t in tasks if t.split == "heldout"]
    assert (len(train), len(heldout)) == (42, 10)
    assert len({t.id for t in tasks}) == 52
    assert {t.level for t in tasks} <= {1, 2, 3, 4, 5}
    sequence = lambda task: task.name.split("_", 2)[2]  # noqa: E731
    assert not {sequence(t) for t in train} & {sequence(t) for t in heldout}
    assert [t.id for t in composed.read(config(train=20, heldout=10), seed=3)][:20] == [t.id for t in train[:20]]


def test_held_out_names_are_reserved(monkeypatch: pytest.MonkeyPatch):
    drawn = iter(["relu", "relu", "tanh"])  # the training task draws the held-out one's chain first

    def draw(*_) -> Chain:
        name = next(drawn)
        return Chain("matrix", tuple((o, ("BATCH", "FEATURES")) for o in CATALOGUE if o.name == name))

    monkeypatch.setattr("pipeline.sources.full.draw", draw)
    tasks = list(composed.read(config(train=1, heldout=1), seed=0))
    assert [t.name for t in tasks] == ["train_00000_tanh", "heldout_00000_relu"]


def test_chosen_families_alone_are_drawn():
    tasks = composed.read(config(families=["convolution", "pooling"], train=10, heldout=0, operators=[2, 3]), seed=0)
    assert {t.category for t in tasks} <= {"convolution", "pooling"}


def test_the_estimate_is_within_the_wanted_range():
    options = {"eager_ms": [2.0, 5.0], "train": 8, "heldout": 0, "families": ["elementwise", "matmul", "convolution"]}
    for task in composed.read(config(**options), seed=0):
        assert 2 <= eager_estimate(task.reference, "H100").ms <= 5, task.name
    with pytest.raises(ValidationError, match="must not be above"):
        config(eager_ms=[5.0, 2.0])


def test_a_range_that_no_batch_meets_is_the_users_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(full, "MAX_DRAWS", 60)  # some of them are batch norms of a matrix, which want two rows
    wanted = config(eager_ms=[1e-5, 2e-5], train=1, heldout=0, families=["normalisation"], operators=[1, 1])
    with pytest.raises(UserError, match="found only 0 different tasks; ask for fewer, or widen eager_ms"):
        list(composed.read(wanted, seed=0))


def test_the_estimate_is_a_roofline():
    relu = next(o for o in CATALOGUE if o.name == "relu")
    linear = next(o for o in CATALOGUE if o.name == "linear")
    axes = ("BATCH", "FEATURES")
    sizes = {"BATCH": 2**14, "FEATURES": 2**12}
    moved = 2 * 4 * 2**26 / 3.35e12  # read and written once
    assert eager_estimate(module_text(Chain("matrix", ((relu, axes),)), sizes), "H100").ms == pytest.approx(
        1e3 * moved, rel=0.1
    )
    computed = 2 * 2**14 * 2**24 / 67e12
    assert eager_estimate(module_text(Chain("matrix", ((linear, axes),)), sizes), "H100").ms == pytest.approx(
        1e3 * computed, rel=0.1
    )


def test_the_full_catalogue_is_filtered_unless_the_recipe_says_otherwise():
    assert config().filters == TaskFilters()
    assert config(filters={"axis_std": None}).filters.axis_std is None
    assert composed.Config().filters == composed.FILTERS
