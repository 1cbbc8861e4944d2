"""Counts that a training keeps beside its checkpoints: a resumed run goes on from those of the step it resumes at."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.lines import Lines, read_lines

if TYPE_CHECKING:
    from transformers import TrainerCallback

NAME = "counts.jsonl"


def keeper(counts: Counter[str], directory: Path) -> "TrainerCallback":
    """Return a callback that writes the counts after each step, and puts them back where training resumes.

    A step is written before a checkpoint of it is, so a complete checkpoint always has its counts. Only the first
    process writes and reads: what others count is theirs alone.

    Args:
        counts: grows while training; replaced in place at a resume.
        directory: of the checkpoints.
    """
    from transformers import TrainerCallback

    path = directory / NAME

    class Keeper(TrainerCallback):
        """See the function."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if state.is_world_process_zero:
                found = counts_at(path, state.global_step)
                counts.clear()
                counts.update(found)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if state.is_world_process_zero:
                directory.mkdir(parents=True, exist_ok=True)
                with Lines(path) as lines:
                    lines.append(json.dumps({"step": state.global_step, "counts": counts}).encode())

    return Keeper()


def counts_at(path: Path, step: int) -> Counter[str]:
    """Return the counts that were written last after a step; empty if there are none."""
    found: Counter[str] = Counter()
    if step:
        for _, line in read_lines(path):
            row = json.loads(line)
            if row["step"] == step:
                found = Counter(row["counts"])
    return found
