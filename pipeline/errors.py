"""One exception tree: whose fault it is decides what happens next.

The candidate's and the teacher's faults are data and end in a table; the user's fault is one line and exit
code 2; everything else is ours, keeps its traceback and never becomes a verdict.
"""

import difflib
from collections.abc import Iterable


class PipelineError(Exception):
    """Root of every exception that this project raises on purpose."""


class UserError(PipelineError):
    """The user can mend it: the message is one line that names the key, file or task (exit code 2)."""


class TaskError(PipelineError):
    """A task's own module is broken (raises, lacks ``get_inputs``, ...); the row is rejected with this reason."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class TeacherError(PipelineError):
    """A teacher failed to answer one request after all retries; counted, and owed again at the next run."""


class RefusedError(TeacherError):
    """A server refuses this very request, for example because it is too long: asking again is of no use."""


class BudgetSpentError(PipelineError):
    """The recipe's budget is spent: nothing more is asked, and what there is stands."""


class InfrastructureError(PipelineError):
    """Our own machinery failed (a worker died, the compiler is missing): never a verdict on a candidate."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text that says something, its class's name if none does."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like a mistyped one, None if none is near."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)), None)
