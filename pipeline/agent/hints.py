"""Optimisation hints, by category, from ``hints.yaml``."""

import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

PATH = Path(__file__).parent / "hints.yaml"


@cache
def hints() -> Mapping[str, tuple[str, ...]]:
    """Return the hints of each category, in the order of the file."""
    return {category: tuple(lines) for category, lines in yaml.safe_load(PATH.read_text()).items()}


def sample_hints(count: int, rng: random.Random) -> list[str]:
    """Return that many hints, each of another category as long as there are categories left."""
    found = hints()
    categories = rng.sample(sorted(found), min(count, len(found)))
    chosen = [rng.choice(found[category]) for category in categories]
    rest = [hint for lines in found.values() for hint in lines if hint not in chosen]
    return chosen + rng.sample(rest, min(count - len(chosen), len(rest)))
