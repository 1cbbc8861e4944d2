"""Keeps what the judge accepted, and nothing else: one hacked sample in a hundred is enough to teach hacking."""

from collections.abc import Sequence
from typing import Literal

from pipeline.curation.features import Features
from pipeline.section import Section


class Config(Section):
    """Has no settings: every chain of filters begins with this one."""

    kind: Literal["correct"] = "correct"


def apply(rows: Sequence[Features], config: Config) -> dict[str, str]:  # noqa: ARG001  (every filter's signature)
    """Drop candidates that were not accepted; the reason carries the verdict's status."""
    return {row.candidate_id: f"not_accepted:{row.status}" for row in rows if not row.accepted}
