"""What ``doctor`` has found: one line each, and what an absence costs."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "absent", "missing"]  # missing: something that every run, or this recipe, needs


@dataclass(frozen=True)
class Prerequisite:
    """One thing that was looked for. ``cost_of_absence`` is one line; ``missing`` is what no run can do without."""

    name: str
    state: State
    found: str
    cost_of_absence: str
