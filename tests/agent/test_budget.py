import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.agent.budget import AdaptiveConfig, average_length, difficulty, divide, figures, most_units

CONFIG = AdaptiveConfig()
BINS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.sampled_from(["easy", "medium", "hard"]), max_size=30
)
WEIGHTS = st.sampled_from([0.0, 0.1, 1.0, 2.5, 100.0])


def test_bins_are_concurs():
    assert [difficulty(a, CONFIG) for a in (0, 3999.9, 4000, 8500, 8500.1, None)] == [
        "easy", "easy", "medium", "medium", "hard", "medium",
    ]  # fmt: skip
    assert average_length(["a b c", None, "d"]) == 2
    assert average_length([None]) is None
    with pytest.raises(ValueError, match="easy_below"):
        AdaptiveConfig(easy_below=5, hard_above=4)


@given(BINS, st.integers(1, 12), st.integers(1, 14), st.none() | st.integers(1, 20), WEIGHTS, WEIGHTS, WEIGHTS)
def test_a_division_never_exceeds_the_recipes_budget(bins, per_task, probe, most, easy, medium, hard):
    config = AdaptiveConfig(probe=probe, most=most, easy=easy, medium=medium, hard=hard)
    units = divide(bins, per_task, config)
    assert units.keys() == bins.keys()
    assert sum(units.values()) <= per_task * len(bins)
    limit = max(min(probe, per_task), most_units(config, per_task))
    assert all(min(probe, per_task) <= n <= max(limit, probe) for n in units.values())
    assert divide(dict(reversed(list(bins.items()))), per_task, config) == units
    open_bins = {name for name, weight in (("easy", easy), ("medium", medium), ("hard", hard)) if weight}
    if most is None and set(bins.values()) and set(bins.values()) <= open_bins:
        assert sum(units.values()) == per_task * len(bins)  # nothing is left lying about


def test_what_easy_tasks_leave_goes_to_hard_ones():
    bins = {"a": "easy", "b": "easy", "c": "medium", "d": "hard"}
    units = divide(bins, 4, AdaptiveConfig(probe=1))  # type: ignore[arg-type]
    assert units == {"a": 1, "b": 1, "c": 6, "d": 8}  # 16 in all, hard at most 8
    assert figures(bins, units)["easy"] == {"tasks": 2, "units": 2}  # type: ignore[arg-type]
