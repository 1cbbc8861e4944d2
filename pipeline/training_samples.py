"""What curation makes besides a ``Sample``: pairs to prefer one of, and single turns of a rollout."""

from typing import Literal, Self

from pydantic import computed_field, model_validator

from pipeline.records import Message, Record, VerdictStatus, hash_of_texts


class PreferencePair(Record):
    """Two answers to one task of which a model should prefer the first.

    ``kind`` says why: ``correctness`` (the judge accepted the first and rejected the second) or ``speed`` (both were
    accepted, and the first was measured to be faster). ``prompt``, ``chosen`` and ``rejected`` are chat messages, as
    in a Sample. ``rejected_status`` and ``rejected_reason`` are the rejected one's verdict, ``correct`` and None for
    pairs of kind ``speed``.
    """

    kind: Literal["correctness", "speed"]
    task_id: str
    category: str
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    chosen_candidate_id: str
    chosen_verdict_id: str
    chosen_reasoning_tokens: int
    chosen_speedup: float | None = None
    rejected_candidate_id: str
    rejected_verdict_id: str
    rejected_reasoning_tokens: int
    rejected_speedup: float | None = None
    rejected_status: VerdictStatus
    rejected_reason: str | None
    licence: str | None = None
    edits: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_a_preference(self) -> Self:
        if (self.kind == "correctness") == (self.rejected_status == "correct"):
            raise ValueError(f"a pair of kind {self.kind} can't reject a {self.rejected_status} answer")
        if self.kind == "speed" and not (self.chosen_speedup or 0) > (self.rejected_speedup or float("inf")):
            raise ValueError("a pair of kind speed needs two measured speedups, the chosen one's the larger")
        return self

    @computed_field
    @property
    def id(self) -> str:
        """Hash of the text that a model is trained on."""
        return hash_of_texts(self.prompt, self.chosen, self.rejected)


class TurnSample(Record):
    """One turn of a rollout as a training example: the conversation up to it, and its answer.

    The reasoning of earlier turns is left out of the prompt or replaced by a summary, as ``edits`` says. ``sample``
    and ``turn`` are the candidate's place, ``turns`` the number of turns of its rollout. ``status`` and ``reason``
    are the verdict on this very answer: a table that holds wrong turns too is for weighing by ``score``, the
    discounted sum of this turn's score and the later ones' (Kevin, arXiv 2507.11948: 0.3 for a right answer
    plus its speedup, discount 0.4); speed that was not measured counts as none.
    """

    task_id: str
    candidate_id: str
    verdict_id: str
    category: str
    sample: int
    turn: int
    turns: int
    status: VerdictStatus
    reason: str | None
    score: float
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    reasoning_tokens: int
    completion_tokens: int
    speedup: float | None = None
    licence: str | None = None
    edits: tuple[str, ...] = ()

    @computed_field
    @property
    def id(self) -> str:
        """Hash of the text that a model is trained on."""
        return hash_of_texts(self.prompt, self.completion)
