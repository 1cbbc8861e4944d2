"""What evolution reached and what reviews were worth, for the stats of generate."""

from itertools import groupby
from pathlib import Path
from statistics import mean
from typing import Any

from pipeline.agent.assessments import NAME, Assessment, agreement
from pipeline.agent.lines import read_records
from pipeline.agent.objective import MEANING, Score, objective_of, score
from pipeline.agent.verdicts import NAME as VERDICTS
from pipeline.agent.verifiers import VerifiersConfig, calibrated
from pipeline.records import Verdict
from pipeline.store import StageStore


def evolution_figures(store: StageStore) -> dict[str, Any]:
    """Return, over tasks with a right kernel, the mean best score after the first and the last generation.

    ``measured`` says what the score is: without a GPU it is no speed.
    """
    verdicts = {v.candidate_id: v for v in read_records(store.directory / VERDICTS, Verdict) if v.accepted}
    objective = objective_of(next(iter(verdicts.values())).backend if verdicts else "none")
    firsts: list[Score] = []
    lasts: list[Score] = []
    distinct = 0
    for _, rows in groupby(store.rows(), key=lambda row: row["task_id"]):
        scores: list[tuple[int, Score]] = []
        for row in rows:
            verdict = verdicts.get(row["id"])
            found = score(objective, row["code"], verdict) if verdict and row["code"] else None
            if found is not None:
                scores.append((row["turn"], found))
        if scores:
            start = min(turn for turn, _ in scores)
            firsts.append(min(found for turn, found in scores if turn == start))
            lasts.append(min(found for _, found in scores))
            distinct += len(scores)
    figures: dict[str, Any] = {"measured": MEANING[objective], "tasks_with_a_right_kernel": len(lasts)}
    if not lasts:
        return figures
    improved = sum(last < first for first, last in zip(firsts, lasts, strict=True))
    return figures | {
        "distinct_right_kernels": distinct,
        "tasks_improved": improved,
        "best_of_first_right_generation": _means(firsts),
        "best_of_all": _means(lasts),
    }


def review_figures(directory: Path, config: VerifiersConfig) -> dict[str, Any]:
    """Return what reviews cost, what they saved, and how they agree with the verdicts that were asked for here.

    Those verdicts are of kernels that reviews let pass (of all only with ``rule: observe``); ``show`` compares with
    the stage verify's, which judges every candidate.
    """
    assessments = list(read_records(directory / NAME, Assessment))
    statuses = {v.candidate_id: v.status for v in read_records(directory / VERDICTS, Verdict)}
    votes = [vote for assessment in assessments for vote in assessment.votes]
    conformal = calibrated(config)
    return {
        "reviewed": len(assessments),
        "turned_away": sum(assessment.turned_away for assessment in assessments),
        "judge_calls_saved": sum(assessment.candidate_id not in statuses for assessment in assessments),
        "prompt_tokens": sum(vote.prompt_tokens for vote in votes),
        "completion_tokens": sum(vote.completion_tokens for vote in votes),
        "bound": conformal.bound if conformal else None,
        "agreement_with_verdicts_here": agreement(assessments, statuses),
    }


def _means(scores: list[Score]) -> list[float]:
    return [round(mean(found.first for found in scores), 4), round(mean(found.second for found in scores), 4)]
