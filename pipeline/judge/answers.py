"""What the reference's and the candidate's processes send for a call, and how the two compare."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.judge.compare import Comparison, Reference, Yardsticks, compare
from pipeline.judge.moving import CHOOSING, CORNERS, PLACING, ROOTS
from pipeline.judge.values import leaves, only_named

MOST = 0.5  # of a result that only has to be moved: what torch may move of it
LEAKED = "memory from CUDA's functions that it never frees"  # of what ``counted`` tells: its addresses are a count
STATISTICS = ("running_mean", "running_var")  # other buffers may be the reference's own affair
NO_ANSWER = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Expected:
    """What the reference's process sent for a case."""

    values: dict[str, Any]
    buffers: list[bytearray]
    places_only: bool = False  # no torch operator did more than to move values, repeat or pick them
    chooses: bool = False  # its results may turn on which values are equal
    takes_roots: bool = False
    room: float = 1.0  # factor of the tolerance's floor
    parameters: frozenset[str] = frozenset()  # the names of the module's
    alike_in_evaluation: bool = False  # its results are the same to the bit after ``model.eval()``
    yardsticks: Yardsticks = field(default_factory=dict)  # what is measured with so far: more is added

    @classmethod
    def read(
        cls, answer: dict[str, Any], buffers: list[bytearray], room: float, yardsticks: Yardsticks | None = None
    ) -> "Expected":
        """Return what the reference's process answered; see ``reference_worker``."""
        computing = answer.get("computing")
        values = answer["values"]["dict"]
        deciding = CHOOSING if values["upstream"] is None else CHOOSING | CORNERS
        return cls(
            values,
            buffers,
            places_only=computing is not None and PLACING.issuperset(computing),
            chooses=computing is not None and not deciding.isdisjoint(computing),
            takes_roots=computing is not None and not ROOTS.isdisjoint(computing),
            room=room,
            parameters=frozenset(answer["parameters"]),
            alike_in_evaluation=answer.get("alike_in_evaluation", False),
            yardsticks={} if yardsticks is None else yardsticks,
        )

    @property
    def changed_buffers(self) -> list[str]:
        """The names of the module's buffers that the call changed."""
        return list(self.values["buffers"]["dict"]["eager"]["dict"])

    @property
    def outputs(self) -> dict[str, Any]:
        """The three values that ``reference`` takes, of the outputs alone where there are gradients beside them."""
        kinds = ("expected", "nearby", "eager")
        if self.values["upstream"] is None:
            return {kind: self.values[kind] for kind in kinds}
        return {kind: self.values[kind]["dict"]["outputs"] for kind in kinds}

    @cached_property
    def given_bytes(self) -> int:
        """Bytes of the call's arguments and the weights."""
        named = (only_named(self.values[name], self.buffers)[1] for name in ("state", "inputs"))
        return sum(len(data) for buffers in named for data in buffers)

    def reference(self, values: dict[str, Any]) -> Reference:
        """Return what to compare with: three of the values, or of the buffers' values."""
        kinds = (values["expected"], values["nearby"], values["eager"])
        return Reference(*kinds, self.buffers, self.room, self.yardsticks)


@dataclass(frozen=True)
class Answer:
    """What a candidate's process sent after a call. Hostile: only its form has been checked."""

    outputs: Any
    inputs: Any
    module_buffers: Any
    launches: int
    torch_operators: frozenset[str]
    host_bytes: int
    aliased: bool
    reused: bool
    moved: bool
    moved_bytes: int
    kept: bool
    counted: str | None
    recalled: bool
    names: dict[str, str] | None  # its own of the reference's weights; None: they were not given to it
    lacking: list[str]  # of these, those that it holds nowhere
    constants: list[str]  # of these, those that all are one number, and that can be changed where it holds them
    seconds: float
    buffers: list[bytearray]

    @classmethod
    def read(cls, header: dict[str, Any], buffers: list[bytearray]) -> "Answer":
        """Return the answer; raises one of ``NO_ANSWER`` if it has another form."""
        values = header["values"]["dict"]
        return cls(
            outputs=values["outputs"],
            inputs=values["inputs"],
            module_buffers=values["buffers"],
            launches=len(header["launches"]),
            torch_operators=frozenset(map(str, header["torch_operators"])),
            host_bytes=int(header["host_bytes"]),
            aliased=bool(header["aliased"]),
            reused=bool(header["reused"]),
            moved=bool(header["moved"]),
            moved_bytes=int(header["moved_bytes"]),
            kept=bool(header["kept"]),
            counted=None if header["counted"] is None else str(header["counted"]),
            recalled=bool(header["recalled"]),
            names=_names(header["names"]),
            lacking=[str(name) for name in header["lacking"]],
            constants=[str(name) for name in header.get("constants", ())],
            seconds=float(header["seconds"]),
            buffers=buffers,
        )


def _names(told: Any) -> dict[str, str] | None:
    return None if told is None else {str(name): str(own) for name, own in told.items()}


def comparison(expected: Expected, given: Answer) -> Comparison:
    """Return how the results compare."""
    return compare(expected.reference(expected.values), given.outputs, given.buffers)


def buffers_comparison(expected: Expected, given: Answer) -> Comparison:
    """Return how the module's buffers compare that the reference's call changed."""
    reference = expected.reference(expected.values["buffers"]["dict"])
    return compare(reference, given.module_buffers, given.buffers, name="buffer")


def buffer_left(expected: Expected, given: Answer) -> str | None:
    """Return a running statistic that the reference changed, and that no buffer of the module's own is like."""
    tree, kinds = given.module_buffers, expected.values["buffers"]["dict"]
    own = list(tree["dict"].values()) if isinstance(tree, dict) and isinstance(tree.get("dict"), dict) else []
    for name in (name for name in expected.changed_buffers if name.endswith(STATISTICS)):
        alone = expected.reference({kind: buffers["dict"][name] for kind, buffers in kinds.items()})
        if all(compare(alone, buffer, given.buffers).mismatch for buffer in own):
            return name
    return None


def share_right(expected: Expected, given: Answer) -> float:
    """Return which share of the outputs' elements are exactly the reference's; what fills them up counts for nothing.

    That is the commonest value: a padding's, which memory may be filled with beforehand.
    """
    pairs = zip(
        leaves(expected.values["eager"], expected.buffers), leaves(given.outputs, given.buffers), strict=False
    )
    alike = [(want == got) if want.shape == got.shape else np.zeros(want.shape, bool) for want, got in pairs]
    if not alike:
        return 0.0
    wanted = np.concatenate([array.ravel() for array in leaves(expected.values["eager"], expected.buffers)])
    values, times = np.unique(wanted, return_counts=True)
    counts = wanted != values[times.argmax()] if times.size and times.max() > 1 else np.ones(wanted.shape, bool)
    right = np.concatenate([a.ravel() for a in alike])[counts]
    return float(right.mean()) if right.size else 0.0


def is_a_view(expected: Expected, given: Answer) -> bool:
    """Return whether an output lies otherwise in memory than the reference's, which is contiguous."""
    return _has_strides(given.outputs) and not _has_strides(expected.values["eager"])


def _has_strides(tree: Any) -> bool:
    if isinstance(tree, dict):
        return "strides" in tree or any(map(_has_strides, tree.values()))
    return isinstance(tree, list) and any(map(_has_strides, tree))


def inputs_unchanged(expected: Expected, given: Answer) -> bool:
    """Whether the call's arguments hold the same values as before, tensors compared by their bytes."""
    return _same_bytes(expected.values["inputs"], expected.buffers, given.inputs, given.buffers)


def _same_bytes(tree: Any, buffers: list[bytearray], other: Any, theirs: list[bytearray]) -> bool:
    if isinstance(tree, dict) and "tensor" in tree:
        if not isinstance(other, dict) or type(other.get("tensor")) is not int:
            return False
        same_kind = tree["dtype"] == other.get("dtype") and tree["shape"] == other.get("shape")
        inside = 0 <= other["tensor"] < len(theirs)
        return same_kind and inside and buffers[tree["tensor"]] == theirs[other["tensor"]]
    if isinstance(tree, dict):
        return (
            isinstance(other, dict)
            and tree.keys() == other.keys()
            and all(_same_bytes(tree[k], buffers, other[k], theirs) for k in tree)
        )
    if isinstance(tree, list):
        return (
            isinstance(other, list)
            and len(tree) == len(other)
            and all(_same_bytes(a, buffers, b, theirs) for a, b in zip(tree, other, strict=True))
        )
    return tree == other
