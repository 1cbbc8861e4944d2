"""Drops answers after the first turn: they mend what a report found in an earlier answer.

A sample's prompt is the first question alone, so its completion would answer a report that is not there. The table
``multi_turn`` has such answers with their whole conversations: this filter takes none from it.
"""

from collections.abc import Sequence
from typing import Literal

from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """Has no settings. Of evolve it keeps the first generation: later ones are shown other kernels."""

    kind: Literal["first_turn"] = "first_turn"


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:  # noqa: ARG001  (every filter's signature)
    """Drop candidates of later turns."""
    return {row.candidate_id: "answers_a_report" for row in rows if row.turn > 0}
