"""Which answers give the same outputs: classes of fingerprints, per task and input."""

from collections.abc import Sequence

from pipeline.judge.outputs import Fingerprint, Leaf

# How far two outputs may lie apart, relatively: wider than what the judge lets one differ from the truth, for that is
# tied to eager's own error, which is not known here. Integers must be equal.
TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "float16": 1e-2, "bfloat16": 4e-2}
TINY = 1e-300

Outputs = Sequence[Fingerprint | None]  # of one answer, per shared input; None where it gave nothing


def classes(answers: Sequence[Outputs]) -> list[list[int | None]]:
    """Return per answer and input the number of its class, None where the answer gave nothing.

    An answer is of the first class whose first member it agrees with; classes are numbered as they come, per input.

    Raises:
        ValueError: answers have different numbers of inputs.
    """
    columns = [_classes(column) for column in zip(*answers, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in answers]


def _classes(column: Sequence[Fingerprint | None]) -> list[int | None]:
    firsts: list[Fingerprint] = []
    found: list[int | None] = []
    for given in column:
        if given is None:
            found.append(None)
            continue
        number = next((i for i, first in enumerate(firsts) if agree(given, first)), len(firsts))
        if number == len(firsts):
            firsts.append(given)
        found.append(number)
    return found


def agree(given: Fingerprint | None, first: Fingerprint | None) -> bool:
    """Return whether two outputs are alike: in form, in what is finite, and in values up to ``TOLERANCE``.

    The error of a value v beside y is |v - y| / (|y| + s), as the judge's, with s the root mean square of y's tensor.
    Nothing agrees with no output.
    """
    if given is None or first is None or given["form"] != first["form"]:
        return False
    return all(map(_alike, given["leaves"], first["leaves"]))


def _alike(given: Leaf, first: Leaf) -> bool:
    tolerance = TOLERANCE.get(first["dtype"], 0.0)
    s = first["rms"]
    if given["finite"] != first["finite"] or abs(given["rms"] - s) > tolerance * (2 * s + TINY):
        return False
    for v, y in zip(given["elements"], first["elements"], strict=True):
        if isinstance(v, str) or isinstance(y, str):  # not finite: the same or not
            if v != y:
                return False
        elif abs(v - y) > tolerance * (abs(y) + s + TINY):
            return False
    return True
