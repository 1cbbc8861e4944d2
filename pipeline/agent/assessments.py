"""What reviewers said about candidates, and how often they were right by the judge's verdicts."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.agent.lines import read_records
from pipeline.records import Record
from pipeline.store import read_rows

NAME = "assessments.jsonl"
# The verdicts that a checklist speaks of. What fails elsewhere says nothing about it: the judge stopped before.
CONCERNS = {
    "compile": frozenset({"compile_error", "malformed"}),
    "memory": frozenset({"runtime_error", "timeout"}),
    "numerics": frozenset({"incorrect"}),
}
RIGHT = "correct"


class Vote(Record):
    """One review: what it ended in (None: in neither), its last words, and the requests it cost."""

    checklist: str
    passed: bool | None
    text: str
    requests: tuple[str, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Assessment(Record):
    """All reviews of one candidate. ``turned_away``: the judge was not to be asked."""

    candidate_id: str
    votes: tuple[Vote, ...]
    turned_away: bool


class Agreement(NamedTuple):
    """Reviews against verdicts: how many, and the four ways in which they agree or not."""

    good_passed: int = 0
    good_lost: int = 0
    bad_passed: int = 0
    bad_found: int = 0

    def plus(self, *, good: bool, passed: bool) -> "Agreement":
        """Return the counts with one more."""
        return Agreement(
            self.good_passed + (good and passed),
            self.good_lost + (good and not passed),
            self.bad_passed + (not good and passed),
            self.bad_found + (not good and not passed),
        )

    def figures(self) -> dict[str, float | int | None]:
        """Return accuracy, the share of good kernels lost and the share of bad ones found; None of nothing."""
        right = self.good_passed + self.bad_found
        return {
            "n": sum(self),
            "accuracy": _share(right, sum(self)),
            "good_lost": _share(self.good_lost, self.good_passed + self.good_lost),
            "bad_found": _share(self.bad_found, self.bad_passed + self.bad_found),
        }


def agreement(assessments: Iterable[Assessment], statuses: Mapping[str, str]) -> dict[str, Any]:
    """Return the figures of each checklist and of the decision as a whole, ``overall``.

    ``statuses`` are those of verdicts by candidate. ``unsupported`` ones and candidates without a verdict count
    nowhere; of a checklist, only verdicts that it could have foreseen and right ones do.
    """
    counts: dict[str, Agreement] = {}
    for assessment in assessments:
        status = statuses.get(assessment.candidate_id, "unsupported")
        if status == "unsupported":
            continue
        overall = counts.get("overall", Agreement())
        counts["overall"] = overall.plus(good=status == RIGHT, passed=not assessment.turned_away)
        for vote in assessment.votes:
            if vote.passed is not None and (status == RIGHT or status in CONCERNS[vote.checklist]):
                so_far = counts.get(vote.checklist, Agreement())
                counts[vote.checklist] = so_far.plus(good=status == RIGHT, passed=vote.passed)
    return {name: counts[name].figures() for name in sorted(counts)}


def read_assessments(out: Path) -> Iterator[Assessment]:
    """Yield the assessments of a run's stage generate, finished or not."""
    return read_records(out / "generate" / NAME, Assessment)


def good_ones(out: Path) -> Iterator[Assessment]:
    """Yield the assessments of the kernels that the run's stage verify found right.

    Raises:
        UserError: that stage is not complete.
    """
    right = {row["candidate_id"] for row in read_rows(out / "verify") if row["accepted"]}
    return (assessment for assessment in read_assessments(out) if assessment.candidate_id in right)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
