"""One candidate's whole history as a page: what was asked, thought, answered, changed, reviewed and decided."""

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pipeline.agent.assessments import Assessment, read_assessments
from pipeline.agent.lines import read_records
from pipeline.agent.reply import split_reasoning
from pipeline.agent.verdicts import NAME as VERDICTS
from pipeline.errors import UserError
from pipeline.output import to_write
from pipeline.records import Candidate, Task, Verdict
from pipeline.tables import from_row
from pipeline.unfinished import rows_so_far

CONTEXT_LINES = 3
CANDIDATE_TABLES = (("generate", "data"), ("evaluate", "data"), ("evaluate", "strategies"))  # (stage, table)
TASK_TABLES = (("tasks", "data"), ("evaluate", "suite"))


class Line(NamedTuple):
    """A line of a difference; ``kind`` is its style's name."""

    kind: Literal["same", "added", "removed", "place"]
    text: str


class Turn(NamedTuple):
    """One candidate of the history; ``difference`` is against its nearest ancestor with code, ``against``."""

    candidate: Candidate
    answer: str
    difference: list[Line]
    against: Candidate | None
    verdict: Verdict | None
    assessment: Assessment | None


class Records(NamedTuple):
    """What pages are made from: a run's candidates by id, and what was said about them, by candidate id."""

    candidates: dict[str, Candidate]
    tasks: dict[str, Task]
    verdicts: dict[str, Verdict]
    reviews: dict[str, Assessment]


def write_history(out: Path, candidate_id: str, page: Path) -> int:
    """Write the page of a candidate and its ancestors; return how many candidates it shows.

    It may be one of generate or of evaluate. The page needs no other file and no network; all text from tasks, models
    and the judge is escaped. It reads stages that are complete and stages at work alike. The first characters of an
    id are enough if they tell it apart.

    Raises:
        UserError: no or more than one candidate has that id, or the page can't be written.
    """
    return write_page(*_records(out, candidate_id), page)


def history_text(out: Path, candidate_id: str) -> str:
    """Return the same history as text for a terminal, without what would steer one; raises as ``write_history``."""
    return rendered(*_records(out, candidate_id))


def rendered(chosen: Candidate, records: Records) -> str:
    """Return the text about a candidate from records at hand."""
    text = _template("history.txt.jinja").render(**_shown(chosen, records))
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def _records(out: Path, candidate_id: str) -> tuple[Candidate, Records]:
    chosen, family = _find(out, candidate_id)
    lineage = {candidate.id for candidate in _lineage(chosen, family)}
    verdicts = _with_repeats(_verdicts(out, set(family)), [family[i] for i in lineage], family)
    tasks = (row for stage, table in TASK_TABLES for row in rows_so_far(out / stage, table))
    task = next((from_row(Task, row) for row in tasks if row["id"] == chosen.task_id), None)
    reviews = {a.candidate_id: a for a in read_assessments(out) if a.candidate_id in lineage}
    return chosen, Records(family, {task.id: task} if task else {}, verdicts, reviews)


def write_page(chosen: Candidate, records: Records, page: Path) -> int:
    """Write the page of a candidate from records at hand; return how many candidates it shows.

    Raises:
        UserError: the page can't be written.
    """
    shown = _shown(chosen, records)
    text = _template("history.html.jinja").render(**shown)
    to_write(page).write_text(text, encoding="utf-8")
    return len(shown["turns"])


def _shown(chosen: Candidate, records: Records) -> dict[str, Any]:
    """Return what the templates need."""
    lineage = _lineage(chosen, records.candidates)
    turns = [_turn(candidate, lineage, records.verdicts, records.reviews) for candidate in lineage]
    return {"chosen": chosen, "task": records.tasks.get(chosen.task_id), "turns": turns}


def _find(out: Path, candidate_id: str) -> tuple[Candidate, dict[str, Candidate]]:
    """Return the candidate, and all candidates of its task in the same table by id."""
    tables = [list(rows_so_far(out / stage, table)) for stage, table in CANDIDATE_TABLES] if out.is_dir() else []
    matches = [(row, table) for table in tables for row in table if row["id"].startswith(candidate_id)]
    found = {row["id"]: (row, table) for row, table in reversed(matches)}
    if len(found) != 1:
        many = f"{len(found)} candidates" if found else "no candidate"
        raise UserError(f"{out}: {many} with an id that starts with {candidate_id!r}")
    row, table = next(iter(found.values()))
    family = [from_row(Candidate, other) for other in table if other["task_id"] == row["task_id"]]
    return from_row(Candidate, row), {candidate.id: candidate for candidate in family}


def _lineage(chosen: Candidate, family: dict[str, Candidate]) -> list[Candidate]:
    """Return the candidate and all its ancestors, in the order of turns."""
    wanted, seen = [chosen.id], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in seen and name in family:
            seen.add(name)
            wanted += family[name].parents
    return sorted((family[name] for name in seen), key=lambda c: (c.turn, c.sample))


def _verdicts(out: Path, ids: set[str]) -> dict[str, Verdict]:
    """Return the verdicts on these candidates: verify's, and where it has none those that a loop asked for."""
    files = [out / "generate" / VERDICTS, *sorted((out / "evaluate").glob(f"{Path(VERDICTS).stem}*"))]
    found = {v.candidate_id: v for file in files for v in read_records(file, Verdict) if v.candidate_id in ids}
    rows = (row for row in rows_so_far(out / "verify") if row["candidate_id"] in ids)
    return found | {row["candidate_id"]: from_row(Verdict, row) for row in rows}


def _with_repeats(
    verdicts: dict[str, Verdict], candidates: Iterable[Candidate], family: Mapping[str, Candidate]
) -> dict[str, Verdict]:
    """Return the verdicts with those of answers that repeat a teacher's earlier one, which evaluate judges once."""
    known = {(c.teacher, c.code): verdicts[i] for i, c in family.items() if c.code is not None and i in verdicts}
    pairs = ((c.id, known.get((c.teacher, c.code))) for c in candidates if c.code is not None)
    copies = {i: verdict.model_copy(update={"candidate_id": i}) for i, verdict in pairs if verdict is not None}
    return {**copies, **verdicts}


def _turn(
    candidate: Candidate, lineage: list[Candidate], verdicts: dict[str, Verdict], reviews: dict[str, Assessment]
) -> Turn:
    parents = [c for c in lineage if c.id in candidate.parents and c.code is not None]
    against = max(parents, key=lambda c: candidate.parents.index(c.id)) if parents else None
    return Turn(
        candidate=candidate,
        answer=(split_reasoning(candidate.messages[-1].content)[1] or "").strip(),
        difference=difference(against.code or "" if against else "", candidate.code or "") if against else [],
        against=against,
        verdict=verdicts.get(candidate.id),
        assessment=reviews.get(candidate.id),
    )


def difference(before: str, after: str) -> list[Line]:
    """Return the changed lines with a few unchanged ones around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT_LINES)
    kinds: dict[str, Any] = {"+": "added", "-": "removed", "@": "place", " ": "same"}
    return [Line(kinds[line[0]], line) for line in list(lines)[2:] if line]


@cache
def _template(name: str) -> Any:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)
