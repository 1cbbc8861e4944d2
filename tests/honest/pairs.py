"""Honest kernels: each ``kernels/NN_name.py`` holds a task, a line ``# --- candidate ---``, and an answer to it.

The answers are written as a good model writes them and are meant for a GPU: nothing in them may rest on how this
project's judge runs them.
"""

from dataclasses import dataclass
from pathlib import Path

from pipeline.records import Task
from pipeline.sources.files import task_from_source

SEPARATOR = "# --- candidate ---\n"
FOLDER = Path(__file__).parent / "kernels"


@dataclass(frozen=True)
class Pair:
    """A task and an honest answer to it; the task's category is the kind of kernel."""

    name: str
    task: Task
    code: str


def pairs() -> list[Pair]:
    """Return all pairs, in the order of their names."""
    return [_read(path) for path in sorted(FOLDER.glob("*.py"))]


def _read(path: Path) -> Pair:
    reference, code = path.read_text().split(SEPARATOR)
    return Pair(path.stem, task_from_source(reference, path.stem, str(path)), code)
