"""Under which licence a collection is, when each of its references keeps the licence of its source."""

from collections.abc import Iterable
from typing import NamedTuple

NOT_STATED = "not stated"
MIXED = "mixed-source-licences"
FILE = "LICENSES.md"


class Licence(NamedTuple):
    """A card's ``license`` and, where that is ``other``, its ``license_name`` and ``license_link``."""

    license: str
    license_name: str | None = None
    license_link: str | None = None


def collection_licence(own: str, of_references: Iterable[str]) -> Licence:
    """Return the licence of a collection whose prompts and answers are under ``own``.

    It is ``own`` if every reference is under it too (the Hub's identifiers are SPDX's in lower case). Otherwise it
    is ``other``, and the name says that they are mixed: to put one licence over references that came under another,
    or under none that is known, is not the collector's to do.
    """
    if all(licence.casefold() == own.casefold() for licence in of_references):
        return Licence(own)
    return Licence("other", MIXED, FILE)


def licences_text(own: str, counts: dict[str, int]) -> str:
    """Return the text of ``FILE``: what is under which licence."""
    rows = "\n".join(f"| {_cell(licence)} | {count} |" for licence, count in counts.items())
    return (
        "# Licences\n\n"
        f"What this collection adds (the prompts' wording, its selection, and the answers as far as they are its "
        f"own) is under {own}. Each PyTorch reference, and what derives from it in a prompt or an answer, keeps the "
        "licence of its source, which stands in the column `licence` of its row:\n\n"
        f"| licence of the reference | training tasks |\n|---|---:|\n{rows}\n"
    )


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
