"""What the judge found, in the few lines that a model needs: the last attempt's in full, earlier ones' in short."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.records import SETTINGS, Candidate, Check, Verdict

MAX_REPORT_LINES = 24
MAX_LINE = 300  # a compiler prints whole template instantiations in one line
NOTES = (SETTINGS, "skipped:", "specialised:", "timing")
MAX_SUMMARY = 200  # characters of a finding in a summary
_ERROR_LINE = re.compile(r"\b(fatal )?error\b|undefined (reference|symbol)|\w*Error:", re.IGNORECASE)
_LINES_OF_CONTEXT = 2  # below a compiler's error: the source line and the caret
_CASE = re.compile(r"\w+:(?P<setting>\w+)/\d+/(?P<inputs>\w+)/\w+")  # e.g. correct:odd/0/own/random


class FailedCheck(NamedTuple):
    """A failed check as a report shows it; ``where`` are its setting's sizes and its inputs, empty if unknown."""

    name: str
    where: str
    text: str


class Attempt(NamedTuple):
    """One answer and what came of it: the judge's verdict, or why the judge was not asked."""

    candidate: Candidate
    verdict: Verdict | None
    doubts: str | None = None


def failed_checks(verdict: Verdict) -> list[FailedCheck]:
    """Return the failed checks: errors of a compiler cut to their lines, a wrong value with what was expected."""
    failed = [c for c in verdict.checks if not c.passed]
    sizes = next((c.figures for c in verdict.checks if c.name == SETTINGS), {})
    return [FailedCheck(c.name, _where(sizes, c), essential_lines(c.detail or verdict.status)) for c in failed]


def essential_lines(text: str) -> str:
    """Return the lines of a report that matter: all of a short one; of a long one the errors, each once.

    At most ``MAX_REPORT_LINES`` lines of ``MAX_LINE`` characters.
    """
    lines = [line[:MAX_LINE].rstrip() for line in text.splitlines() if line.strip()]
    if len(lines) <= MAX_REPORT_LINES:
        return "\n".join(lines)
    kept: list[str] = []
    seen: set[str] = set()
    context = 0
    for line in lines:
        if _ERROR_LINE.search(line):
            context = 0 if line in seen else _LINES_OF_CONTEXT + 1
            seen.add(line)
        if context > 0:
            kept.append(line)
            context -= 1
    kept = kept or lines[-MAX_REPORT_LINES:]  # no line looks like an error: the end of a traceback says most
    return "\n".join(kept[:MAX_REPORT_LINES])


def summaries(attempts: Sequence[Attempt]) -> list[str]:
    """Return one line for each attempt: what it changed in the one before it, and how it ended."""
    lines = []
    for number, attempt in enumerate(attempts):
        changed = _changed(attempts[number - 1].candidate, attempt.candidate) if number else ""
        lines.append(f"Attempt {number + 1}{changed}: {ending(attempt)}")
    return lines


def ending(attempt: Attempt) -> str:
    """Return status, reason and the first telling line of an attempt."""
    if attempt.verdict is None:
        told = " ".join((attempt.doubts or "no reason given").split())
        return f"not run: {told[:MAX_SUMMARY]}"
    verdict = attempt.verdict
    if verdict.status == "malformed" and attempt.candidate.code is None:
        return f"no module ({verdict.reason})"
    told = _telling_line(verdict.detail or "")
    return f"{verdict.status.replace('_', ' ')} ({verdict.reason})" + (f": {told}" if told else "")


def _telling_line(detail: str) -> str:
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    line = next((line for line in lines if _ERROR_LINE.search(line)), lines[0] if lines else "")
    return line[:MAX_SUMMARY]


def _changed(before: Candidate, after: Candidate) -> str:
    """Return how many lines differ and the first new one, as `` (3 lines changed, first `...`)``."""
    if before.code is None or after.code is None:
        return ""
    old, new = before.code.splitlines(), after.code.splitlines()
    edits = [e for e in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if e[0] != "equal"]
    if not edits:
        return " (the same code again)"
    count = sum(max(e[2] - e[1], e[4] - e[3]) for e in edits)
    first = next((new[e[3]].strip() for e in edits if e[3] < e[4]), None)
    shown = f", first `{first[:MAX_SUMMARY]}`" if first else ""
    return f" ({count} line{'s' if count > 1 else ''} changed{shown})"


def passed(verdict: Verdict) -> list[str]:
    """Return the names of the checks that passed, without notes on what was left out."""
    return [c.name for c in verdict.checks if c.passed and not c.name.startswith(NOTES)]


def _where(sizes: Mapping[str, object], check: Check) -> str:
    """Return the sizes and the kind of inputs of the case that a check names; ``sizes`` are those of each setting."""
    case = _CASE.fullmatch(check.name)
    if case is None:
        return ""
    parts = [f"{sizes[case['setting']]}"] if sizes.get(case["setting"]) else []
    if case["inputs"] != "own":
        parts.append(f"{case['inputs']} inputs")
    return f" ({'; '.join(parts)})" if parts else ""
