"""Preference pairs: of two answers to one task, the right before the wrong one and the fast before the slow one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field

from pipeline.agent.prompting import Prompts, translate
from pipeline.curation.features import NOT_JUDGED, Features
from pipeline.curation.first_pass import Judged
from pipeline.curation.joining import Answer, Job
from pipeline.curation.samples import answer_message, edits_of
from pipeline.curation.unmeasured import by_task
from pipeline.records import Task
from pipeline.section import Section
from pipeline.tables import to_row
from pipeline.training_samples import PreferencePair

Kind = Literal["correctness", "speed"]
TABLE = "preference"
_NO_PREFERENCE = (NOT_JUDGED, "unsupported", "malformed")  # nothing is known, or there is no kernel to compare


class Config(Section):
    """At most ``pairs_per_task`` of each of the ``kinds``; ``min_ratio`` of speedups makes one the faster."""

    kinds: tuple[Kind, ...] = Field(default=("correctness", "speed"), min_length=1)
    pairs_per_task: int = Field(default=4, ge=1)
    min_ratio: float = Field(default=1.5, gt=1)


def chosen_pairs(
    good: Sequence[Features], wrong: Iterable[Features], config: Config
) -> Iterator[tuple[Kind, Features, Features]]:
    """Yield kind, the preferred and the other answer, task by task.

    ``good`` are the right answers that every cleaning filter keeps, ``wrong`` the others. Correctness: the wrong
    answers in the order of their ids, each text once, against the right ones in turn, shortest reasoning first.
    Speed: the fastest against the slowest, the next against the next to slowest, while they are ``min_ratio`` apart.
    """
    rejected = by_task(row for row in wrong if row.status not in _NO_PREFERENCE and row.text_hash is not None)
    for task, members in sorted(by_task(good).items()):
        if "correctness" in config.kinds:
            right = sorted(members, key=lambda row: (row.reasoning_tokens, row.candidate_id))
            for i, other in enumerate(_distinct(rejected.get(task, []))[: config.pairs_per_task]):
                yield "correctness", right[i % len(right)], other
        if "speed" in config.kinds:
            timed = [row for row in members if row.speedup is not None]
            timed.sort(key=lambda row: (-_speed(row), row.candidate_id))
            for i in range(min(config.pairs_per_task, len(timed) // 2)):
                if _speed(timed[i]) >= config.min_ratio * _speed(timed[-1 - i]):
                    yield "speed", timed[i], timed[-1 - i]


def _distinct(rows: Iterable[Features]) -> list[Features]:
    """Return one row for each text, the lowest id, in the order of the ids."""
    first: dict[str | None, Features] = {}
    for row in sorted(rows, key=lambda row: row.candidate_id):
        first.setdefault(row.text_hash, row)
    return list(first.values())


def _speed(row: Features) -> float:
    return row.speedup or 0.0


def jobs(
    pairs: Iterable[tuple[Kind, Features, Features]],
    tasks: Mapping[str, Task],
    verdict_of: Callable[[str], Judged],
    prompts: Prompts,
) -> Iterator[Job]:
    """Yield what is to be made of each pair when both texts are there."""
    for kind, chosen, rejected in pairs:
        ids = (chosen.candidate_id, rejected.candidate_id)
        yield Job(
            key=f"{TABLE}/{kind}/{ids[0]}/{ids[1]}",
            table=TABLE,
            candidates=ids,
            build=partial(_build, kind, chosen, rejected, tasks[chosen.task_id], verdict_of, prompts),
        )


def _build(
    kind: Kind,
    chosen: Features,
    rejected: Features,
    task: Task,
    verdict_of: Callable[[str], Judged],
    prompts: Prompts,
    answers: Mapping[str, Answer],
) -> dict[str, Any]:
    first, second = verdict_of(chosen.candidate_id), verdict_of(rejected.candidate_id)
    prompt = translate(task, prompts)
    texts = answers[chosen.candidate_id], answers[rejected.candidate_id]
    fields = {
        "kind": kind,
        "task_id": task.id,
        "category": task.category,
        "prompt": prompt,
        "chosen": (answer_message(texts[0]),),
        "rejected": (answer_message(texts[1]),),
        "chosen_candidate_id": chosen.candidate_id,
        "chosen_verdict_id": first.verdict_id,
        "chosen_reasoning_tokens": chosen.reasoning_tokens,
        "chosen_speedup": chosen.speedup,
        "rejected_candidate_id": rejected.candidate_id,
        "rejected_verdict_id": second.verdict_id,
        "rejected_reasoning_tokens": rejected.reasoning_tokens,
        "rejected_speedup": rejected.speedup,
        "rejected_status": second.status,
        "rejected_reason": second.reason,
        "licence": task.licence,
        "edits": tuple(sorted({edit for text in texts for edit in edits_of(text, prompt)})),
    }
    return to_row(PreferencePair.model_validate(fields))
