"""curate: decides which right answers become training samples.

Two passes over the candidates. The first keeps a few figures of each (``Features``), which the filters decide on;
the second reads the texts one by one and writes a row for each: a sample, or a rejected row with its reason. What is
made of several answers (preference pairs, turns with summaries) is written as soon as the last of them is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic import Field, field_validator, model_validator

from pipeline.agent.prompting import SHIPPED, Prompts
from pipeline.curation import (
    balance,
    correct,
    decontaminated,
    duplicates,
    first_turn,
    multi_turn,
    pir,
    preference,
    select,
    shortest,
)
from pipeline.curation.features import Features
from pipeline.curation.figures import curation_figures
from pipeline.curation.first_pass import (
    WITHOUT_VERDICT,
    Judged,
    counted,
    judged,
    read_features,
    with_tasks_figures,
    without_verdicts,
)
from pipeline.curation.funnel import FilterConfig, FilterResult, cleaning, examine_tasks, run_filters
from pipeline.curation.joining import Job, Joiner
from pipeline.curation.lengths import DIFFICULTY_EDGES
from pipeline.curation.multi_turn import Config as MultiTurnConfig
from pipeline.curation.preference import Config as PreferenceConfig
from pipeline.curation.reading import read_candidates, read_verdicts
from pipeline.curation.reverify import STEP, reverify
from pipeline.curation.samples import broken_row, row_of, sample_of
from pipeline.errors import UserError
from pipeline.machine import cores
from pipeline.records import Sample, Task, Verdict
from pipeline.section import Section, throughput
from pipeline.stages import StageContext
from pipeline.tables import from_row, schema_of, to_row
from pipeline.training_samples import PreferencePair, TurnSample

SCHEMA = schema_of(Sample)
FURTHER = {
    "preference": schema_of(PreferencePair),
    "multi_turn": schema_of(TurnSample),
    "reverified": schema_of(Verdict),
}


class CurateConfig(Section):
    """The filters, in the order in which they are applied; ``correct`` is always the first.

    ``arm`` sets the ``arm`` of the filter ``select`` in one word, for an ablation: ``curate.arm=random``.
    ``reverify`` has the judge run again over what the filters keep, with other seeds. ``prune`` shortens the traces
    that are kept (PIR). ``preference`` and ``multi_turn`` add tables beside the samples. ``difficulty_edges``: a
    task is easy below the first, hard above the second; ConCuR's are in tokens of a language model, of which
    ``count_tokens`` finds roughly three quarters. ``workers``: processes that look into texts, 0 for one per
    core.
    """

    filters: tuple[FilterConfig, ...] = Field(
        default=(correct.Config(), first_turn.Config(), duplicates.Config(), shortest.Config(), balance.Config()),
        min_length=1,
    )
    arm: select.Arm | None = None
    reverify: bool = False
    prune: pir.Config | None = None
    preference: PreferenceConfig | None = None
    multi_turn: MultiTurnConfig | None = None
    difficulty_edges: tuple[float, float] = DIFFICULTY_EDGES
    workers: int = throughput(0, ge=0)

    @field_validator("filters")
    @classmethod
    def _is_a_chain(cls, filters: tuple[FilterConfig, ...]) -> tuple[FilterConfig, ...]:
        if filters[0].kind != "correct":
            raise ValueError("the first filter must be {kind: correct}: nothing else keeps wrong answers out")
        kinds = [config.kind for config in cleaning(filters)]
        if repeated := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise ValueError(f"the filter {repeated!r} is there twice")
        return filters

    @model_validator(mode="after")
    def _arm_has_its_filter(self) -> "CurateConfig":
        if self.arm and not any(isinstance(config, select.Config) for config in self.filters):
            raise ValueError("'arm' is for the filter {kind: select}, which is not among the filters")
        return self

    def chain(self) -> tuple[FilterConfig, ...]:
        """Return the filters with ``arm`` put in."""
        if self.arm is None:
            return self.filters
        changed = {"arm": self.arm}
        return tuple(f.model_copy(update=changed) if isinstance(f, select.Config) else f for f in self.filters)


@dataclass(frozen=True)
class _Decided:
    """All that the second pass needs beside the texts: ``dropped`` says why, by key of the row."""

    tasks: Mapping[str, Task]
    verdicts: Mapping[str, Judged]
    features: Mapping[str, Features]
    broken: Mapping[str, str]
    dropped: Mapping[str, str]
    prompts: Prompts

    def verdict(self, candidate: str) -> Judged:
        return self.verdicts.get(candidate, WITHOUT_VERDICT)


def run(context: StageContext) -> dict[str, Any]:
    """Write one row per candidate, kept or rejected; return the funnel and the figures of the curation.

    Raises:
        UserError: a table lacks a column, a rule lacks speed, or nothing is left; the message says which filter
            dropped the last. What was written stays, and so do all verdicts of a second verification.
        InfrastructureError: the judge failed in the second verification; the next run goes on from there.
    """
    config = context.recipe.curate or CurateConfig()
    tasks = {task.id: task for task in (from_row(Task, row) for row in context.read("tasks"))}
    verdicts = {row["candidate_id"]: judged(row) for row in read_verdicts(context.out / "verify")}
    filters = config.chain()
    first = read_features(context.out / "generate", tasks, verdicts, filters, config.workers or cores())
    seen = examine_tasks(list(tasks.values()), filters)
    every = with_tasks_figures(list(first.features.values()), seen, config.difficulty_edges)
    first.features.clear()  # a million of them are a gigabyte, and the completed ones take their place
    heldout = {row.candidate_id: "heldout_task" for row in every if tasks[row.task_id].split != "train"}
    rows = [row for row in every if row.candidate_id not in heldout]
    result = run_filters(rows, filters)
    sound = rows
    if config.reverify:
        kept_once = result.reasons
        result = _reverified(context, tasks, rows, result)
        lost = result.reasons.keys() - kept_once.keys()
        sound = [row for row in rows if row.candidate_id not in lost]  # right once only: part of no pair either
    dropped = result.reasons | heldout | first.broken
    prompts = context.recipe.generate.asked if context.recipe.generate else SHIPPED
    decided = _Decided(tasks, verdicts, {row.candidate_id: row for row in every}, first.broken, dropped, prompts)
    further = list(_further(config, sound, filters, decided))
    for row in every:
        row.found.clear()  # half of what a row takes in memory, and of no use any more
    _write_all(context, decided, config, further)
    kept = [row.candidate_id for row in rows if row.candidate_id not in dropped]
    n_tasks = sum(1 for task in tasks.values() if task.split == "train")
    funnel = {"train_tasks": n_tasks, "candidates": len(rows), "filters": result.steps, "kept": len(kept)}
    if not kept:
        raise UserError(_what_emptied(funnel, len(heldout), first.broken))
    forms = {name: sum(job.table == name for job in further) for name in (preference.TABLE, multi_turn.TABLE)}
    return {
        "funnel": funnel,
        **curation_figures(rows, kept),
        "broken_rows": counted(first.broken),
        "tasks_without_verdicts": without_verdicts(rows),
        **_contamination(tasks, seen, filters),
        "forms": {"sft": len(kept), **{name: n for name, n in forms.items() if n}},
    }


def _contamination(
    tasks: Mapping[str, Task], seen: Mapping[str, Mapping[str, Any]], filters: Sequence[FilterConfig]
) -> dict[str, Any]:
    config = next((f for f in filters if isinstance(f, decontaminated.Config)), None)
    return {"contamination": decontaminated.report(tasks, seen[config.kind], config)} if config else {}


def _reverified(
    context: StageContext, tasks: dict[str, Task], rows: Sequence[Features], result: FilterResult
) -> FilterResult:
    kept = {row.candidate_id for row in rows} - result.reasons.keys()
    lost = reverify(context, tasks, kept)
    reasons = dict(sorted(counted(lost).items()))
    step = {"filter": STEP, "before": len(kept), "after": len(kept) - len(lost), "reasons": reasons}
    return FilterResult(result.reasons | lost, [*result.steps, step])


def _further(
    config: CurateConfig, rows: Sequence[Features], filters: Sequence[FilterConfig], decided: _Decided
) -> Iterator[Job]:
    """Yield what is to be made beside the samples, from the right answers that every cleaning filter keeps."""
    if config.preference is not None:
        dropped = run_filters(rows, cleaning(filters)).reasons
        good = [row for row in rows if row.candidate_id not in dropped]
        wrong = [row for row in rows if not row.accepted]
        if first := next((f for f in filters if isinstance(f, first_turn.Config)), None):
            later = first_turn.apply(wrong, first)  # a pair's prompt is the first question, for both of its answers
            wrong = [row for row in wrong if row.candidate_id not in later]
        pairs = preference.chosen_pairs(good, wrong, config.preference)
        yield from preference.jobs(pairs, decided.tasks, decided.verdict, decided.prompts)
    if config.multi_turn is not None:
        turns = multi_turn.chosen_turns(multi_turn.clean_answers(rows, filters), rows, config.multi_turn)
        yield from multi_turn.jobs(turns, decided.tasks, decided.verdict, config.multi_turn)


def _write_all(context: StageContext, decided: _Decided, config: CurateConfig, further: Iterable[Job]) -> None:
    """The second pass; rows that an earlier run has written are left as they are."""
    store = context.store
    keys = chain(decided.features, decided.broken)
    context.progress.start(len(decided.features) + len(decided.broken), sum(key in store for key in keys))
    joiner = Joiner(job for job in further if job.key not in store)
    pruner = pir.Pruner(config.prune) if config.prune else None
    for row in read_candidates(context.out / "generate"):
        if row.key not in store:
            reason = decided.dropped.get(row.key)
            written = _row(row.key, row.values, decided, pruner if reason is None else None)
            if reason is None:
                store.append(row.key, written)
            else:
                store.reject(row.key, written, reason)
            context.progress.advance()
        for job, built in joiner.add(row.key, row.values):
            store.append(job.key, built, table=job.table)


def _row(key: str, answer: dict[str, Any], decided: _Decided, pruner: "pir.Pruner | None") -> dict[str, Any]:
    verdict = decided.verdict(key)
    if key in decided.broken:
        return broken_row(answer, verdict)
    task, features = decided.tasks[answer["task_id"]], decided.features[key]
    if pruner is not None and (sample := sample_of(answer, task, features, verdict, decided.prompts)) is not None:
        return to_row(pruner.prune(sample))
    return row_of(answer, task, features, verdict, decided.prompts)


def _what_emptied(funnel: Mapping[str, Any], n_heldout: int, broken: Mapping[str, str]) -> str:
    """Return which filter dropped the last rows, and why."""
    if not funnel["candidates"]:
        others = [f"{n_heldout} belong to held-out tasks"] if n_heldout else []
        others += [f"{n} are rejected as {reason}" for reason, n in counted(broken).items()]
        return f"curate: there are no candidates of training tasks{': ' if others else ''}{', '.join(others)}"
    step = next(step for step in funnel["filters"] if not step["after"])
    reasons = ", ".join(f"{n} {reason}" for reason, n in step["reasons"].items())
    return f"curate: nothing is left: filter {step['filter']!r} dropped the last {step['before']} rows ({reasons})"
