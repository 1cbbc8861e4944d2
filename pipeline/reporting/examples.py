"""A few candidates of every kind, chosen the same way every time, from a table of any length."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from eval.report_data import clip

PER_KIND = 4  # of one outcome and one category
MAX_EXAMPLES = 80
KEPT, LEFT_OUT = "kept", "accepted, left out"


@dataclass(frozen=True)
class Example:
    """A candidate beside the reference that it should replace; ``outcome`` is KEPT, LEFT_OUT or the verdict's."""

    task: str
    category: str
    outcome: str
    accepted: bool
    why: str | None
    detail: str | None
    facts: tuple[tuple[str, str], ...]
    reference: str
    reasoning: str | None
    code: str


def choose(rows: Iterable[Mapping[str, Any]]) -> list[Example]:
    """Return at most ``MAX_EXAMPLES``, kept ones first: of each outcome and category those with the lowest ids.

    Ids are content hashes, so this is a random choice that does not depend on the order of the rows. Memory holds
    the chosen rows.
    """
    groups: defaultdict[tuple[str, str], list[tuple[str, int, Mapping[str, Any]]]] = defaultdict(list)
    for index, row in enumerate(rows):
        heap = groups[outcome(row), row["category"]]
        entry = (_reversed(row["id"]), index, row)
        if len(heap) < PER_KIND:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
    ordered = [[entry[2] for entry in sorted(heap, reverse=True)] for _, heap in sorted(groups.items())]
    rounds = (row for turn in zip_longest(*ordered) for row in turn if row is not None)
    chosen = [row for row, _ in zip(rounds, range(MAX_EXAMPLES), strict=False)]
    return [
        _example(row) for row in sorted(chosen, key=lambda row: (_rank(outcome(row)), row["category"], row["id"]))
    ]


def outcome(row: Mapping[str, Any]) -> str:
    """Return what became of a candidate, in words."""
    if row["status"] is None:
        return "not judged"
    if not row["accepted"]:
        return str(row["status"]).replace("_", " ")
    return LEFT_OUT if row["left_out"] else KEPT


def _rank(words: str) -> tuple[int, str]:
    return (0 if words == KEPT else 1 if words == LEFT_OUT else 2), words


def _reversed(identifier: str) -> str:
    """Return a text that sorts the other way round: the heap throws out its smallest."""
    return "".join(chr(0x10000 - ord(letter)) for letter in identifier)


def _example(row: Mapping[str, Any]) -> Example:
    why = row["left_out"] if row["accepted"] else row["reason"] if row["reason"] != row["status"] else None
    facts = {
        "level": row["level"],
        "source": row["source"],
        "licence": row["licence"],
        "teacher": row["teacher"],
        "sample": row["sample"],
        "turn": row["turn"],
        "tokens": row["completion_tokens"],
        "speedup": None if row["speedup"] is None else f"{row['speedup']:.2f}",
        "candidate": row["id"],
    }
    return Example(
        task=row["task"],
        category=row["category"],
        outcome=outcome(row),
        accepted=bool(row["accepted"]),
        why=why.replace("_", " ") if why else None,
        detail=clip(row["detail"]),
        facts=tuple((name, str(value)) for name, value in facts.items() if value is not None),
        reference=clip(row["reference"]) or "",
        reasoning=clip(row["reasoning"]),
        code=clip(row["code"] or row["messages"][-1]["content"]) or "",
    )
