"""Hand-made candidates."""

from pipeline.curation.features import Features


def features(candidate_id="c", task_id="t", status="correct", **figures):
    values = {"category": "unary", "turn": 0, "reasoning_tokens": 5, "completion_tokens": 9, **figures}
    return Features(candidate_id, task_id, accepted=status == "correct", status=status, **values)
