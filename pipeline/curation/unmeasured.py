"""What the rules that need speed do without it: a CPU measures none, and no rule may pretend otherwise."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from pipeline.curation.features import Features
from pipeline.errors import UserError

WhenUnmeasured = Literal["error", "shortest", "drop"]


def refuse_unmeasured(rows: Sequence[Features], rule: str) -> None:
    """Raise UserError, naming the rule and how much it lacks, if any row was not timed."""
    lacking = [row for row in rows if row.speedup is None]
    if lacking:
        first = min(lacking, key=lambda row: (row.task_id, row.candidate_id))
        raise UserError(
            f"curate: {rule} needs measured speed, and {len(lacking)} of {len(rows)} right answers have none (the "
            f"first: candidate {first.candidate_id} of task {first.task_id}); judge on a GPU, or say what to do with "
            "when_unmeasured: shortest or drop"
        )


def by_task(rows: Iterable[Features]) -> dict[str, list[Features]]:
    """Return the rows of each task."""
    tasks: defaultdict[str, list[Features]] = defaultdict(list)
    for row in rows:
        tasks[row.task_id].append(row)
    return tasks
