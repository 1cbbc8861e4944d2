"""What a candidate gives on inputs that all candidates of a task share, as small fingerprints.

They are for choosing among answers without knowing which is right (``eval.selection``), and never part of a verdict:
sizes and seeds follow from the task, so a candidate can recognise these inputs, and gains nothing by it. The
reference only makes the inputs; what it gives for them is compared with nothing.
"""

import hashlib
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypedDict

import numpy as np

from pipeline.judge.answers import NO_ANSWER
from pipeline.judge.inputs import Case, Distribution, call_request
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.session import Session
from pipeline.judge.settings import Plan
from pipeline.judge.values import MAX_DEPTH, BadValueError, checked_tensor, to_numpy
from pipeline.records import Setting, Task, content_hash

DISTRIBUTIONS: tuple[Distribution, ...] = ("own", "spiky", "shifted", "signed")  # of the inputs, in turn
SMALLEST = 2  # settings at which they are, in turn
PLACES = 64  # elements of a tensor that are looked at, its first and last among them
MAX_TENSORS = 64  # of an output; the largest real ones have a dozen

Reference = Callable[[Case], tuple[dict[str, Any], list[bytearray]]]


class Leaf(TypedDict):
    """A tensor of an output: its dtype, how many elements are finite, their root mean square, and some elements.

    An element of a floating dtype has seven digits; what is not finite is the text ``nan``, ``inf`` or ``-inf``.
    """

    dtype: str
    finite: int
    rms: float
    elements: list[int | float | str]


class Fingerprint(TypedDict):
    """An output: ``form`` is a hash of its structure, shapes, dtypes and what is no tensor; its tensors in order."""

    form: str
    leaves: list[Leaf]


def shared_cases(task: Task, settings: Sequence[Setting], number: int) -> list[Case]:
    """Return the shared inputs of a task: settings and distributions in turn; none if there is no setting."""
    cases: list[Case] = []
    for i in range(number if settings else 0):
        digest = hashlib.blake2b(f"{task.id}/shared/{i}".encode(), digest_size=6).digest()
        seed = int.from_bytes(digest)
        setting, distribution = settings[i % len(settings)], DISTRIBUTIONS[i % len(DISTRIBUTIONS)]
        cases.append(Case(setting, 1, distribution, "forward", seed, seed, fresh_weights=False))
    return cases


def shared_settings(plan: Plan, *, strict: bool) -> list[Setting]:
    """Return at which settings: the smallest ones, or the main one alone where being right there is enough."""
    if not strict:
        return list(plan.settings[:1])
    from_last = plan.settings[::-1]  # where nothing was measured, the later ones are the smaller ones
    return sorted(from_last, key=lambda setting: plan.work.get(setting.name, 0))[:SMALLEST]


def outputs(
    judgement: Judgement, session: Session, reference: Reference, cases: Sequence[Case]
) -> list[Fingerprint | None]:
    """Return per case the fingerprint of what the candidate gives, None where it gives none.

    It gives none if it does not build, crashes, is out of time or sends no tensors, nor if the reference refuses the
    inputs.
    """
    try:
        session.worker()
    except Decided:
        return [None] * len(cases)
    found: list[Fingerprint | None] = []
    for case in cases:
        with session.away():
            answer, buffers = reference(case)
        if "error" in answer:
            found.append(None)
            continue
        try:
            header, theirs = judgement.ask(
                session.worker(), "outputs", call_request(case, answer["values"]["dict"], construct=True), buffers
            )
            judgement.raise_reported("outputs", header)
            found.append(fingerprint(header["values"]["dict"]["outputs"], theirs, case.seed))
        except (Decided, BadValueError, *NO_ANSWER):
            found.append(None)
            session.restart()
    return found


def fingerprint(tree: Any, buffers: Sequence[Any], seed: int) -> Fingerprint:
    """Return the fingerprint of an output's tree; equal seeds look at the same places of equal shapes.

    Raises:
        BadValueError: the tree is none, has too many tensors or none at all; or one of ``NO_ANSWER``: it is hostile.
    """
    found: list[Leaf] = []

    def form(node: Any, depth: int) -> Any:
        if depth > MAX_DEPTH or len(found) > MAX_TENSORS:
            raise BadValueError("nested too deeply, or too many tensors")
        if isinstance(node, dict) and "tensor" in node:
            dtype, shape, data = checked_tensor(node, buffers)
            found.append(_leaf(dtype, to_numpy(dtype, shape, data), random.Random(f"{seed}/{len(found)}")))  # noqa: S311  (no secret)
            return [dtype, shape]
        if isinstance(node, dict):
            return {key: form(value, depth + 1) for key, value in node.items()}
        return [form(value, depth + 1) for value in node] if isinstance(node, list) else node

    told = content_hash(form(tree, 0))
    if not found:
        raise BadValueError("no tensor")
    return Fingerprint(form=told, leaves=found)


def _leaf(dtype: str, array: np.ndarray, rng: random.Random) -> Leaf:
    flat = array.ravel()
    size = flat.size
    places = range(size) if size <= PLACES else sorted({0, size - 1, *rng.sample(range(size), PLACES - 2)})
    values = flat[np.isfinite(flat)].astype(np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    rms = largest * math.sqrt(float(np.square(values / largest).mean())) if largest else 0.0
    return Leaf(dtype=dtype, finite=int(values.size), rms=_rounded(rms), elements=list(_elements(flat, places)))


def _elements(flat: np.ndarray, places: Sequence[int]) -> Iterator[int | float | str]:
    for value in flat[list(places)].tolist():
        if isinstance(value, float):
            yield _rounded(value) if math.isfinite(value) else str(value)
        else:
            yield int(value)


def _rounded(value: float) -> float:
    return float(f"{value:.7g}")
