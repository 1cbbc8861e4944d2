"""Operations that change nothing: a kernel that skips them is right, and a task with one measures who notices."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx

from pipeline.judge.torch_values import map_tensors, seed_all, widen

MAX_OPERATIONS = 200
# They are there for a reason other than their values: form, memory, dtype; dropout does nothing outside of training.
EXEMPT = frozenset(
    """
    contiguous view view_as reshape reshape_as flatten unflatten squeeze unsqueeze expand expand_as clone detach to
    float double half type type_as cuda cpu Identity Flatten Unflatten getitem getattr
    dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout
    Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout
    """.split()  # noqa: SIM905
)
GUARD = 1e-3  # at most this is added, or lies between a bound and 0 or 1, where it is against zero or the border


class NotTracedError(Exception):
    """torch.fx can't follow the module: it branches on values, or calls what can't be traced."""


def find_redundant(model: torch.nn.Module, calls: list[list[Any]], below: float) -> str | None:
    """Return the first operation in whose place its operand would do, like ``relu (relu_1)``; None if there is none.

    Each call with an operand of its result's shape and dtype is replaced by that operand, and all calls are made
    again, in float64 where the module can compute in it. Guards, as ``+ 1e-6`` below a root and ``clamp(min=1e-7)``
    before a logarithm, are there for inputs that are not among these, and count as no such operations.

    Args:
        model: the module; left as it is.
        calls: arguments of several calls.
        below: the largest change that counts as none, relative to a result's largest value.

    Raises:
        NotTracedError: nothing can be said.
    """
    model = copy.deepcopy(model)
    try:
        traced = fx.symbolic_trace(model)
    except Exception as error:  # the module's own code runs on proxies: it may raise whatever it likes
        raise NotTracedError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    traced, calls = _in_float64(traced, calls)
    results = [_result(fx.Interpreter(traced), inputs) for inputs in calls]
    expected = [result for result in results if result is not None]
    usable = [inputs for inputs, result in zip(calls, results, strict=True) if result is not None]
    if not usable:
        raise NotTracedError("what was traced does not run")
    for node, operand in _replaceable(traced, usable[0]):
        found = (_result(_Without(traced, node, operand), inputs) for inputs in usable)
        if all(_same(a, b, below) for a, b in zip(expected, found, strict=True)):
            return f"{_name(traced, node)} ({node.name})"
    return None


class _Without(fx.Interpreter):
    """Runs the module with one operation's result replaced by one of its operands."""

    def __init__(self, module: fx.GraphModule, node: fx.Node, operand: fx.Node) -> None:
        super().__init__(module)
        self._node, self._operand = node, operand

    def run_node(self, n: fx.Node) -> Any:
        return self.env[self._operand] if n is self._node else super().run_node(n)


class _Forms(fx.Interpreter):
    """Notes the shape and dtype of every tensor on the way."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.forms: dict[fx.Node, tuple[torch.Size, torch.dtype]] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, torch.Tensor):
            self.forms[n] = (value.shape, value.dtype)
        return value


def _replaceable(traced: fx.GraphModule, inputs: list[Any]) -> Iterator[tuple[fx.Node, fx.Node]]:
    """Yield (operation, operand) pairs of which the operand could stand for the result."""
    interpreter = _Forms(traced)
    _result(interpreter, inputs)
    forms = interpreter.forms
    operations = [n for n in traced.graph.nodes if n.op.startswith("call_") and _name(traced, n) not in EXEMPT]
    for node in [n for n in operations[:MAX_OPERATIONS] if not _is_guard(_name(traced, n), n)]:
        for operand in node.all_input_nodes:
            if node in forms and forms.get(operand) == forms[node]:
                yield node, operand


def _is_guard(name: str, node: fx.Node) -> bool:
    """Whether an operation adds a small constant, or bounds values by one close to 0 or to 1, but neither itself."""
    constants = [abs(c) for c in (*node.args, *node.kwargs.values()) if isinstance(c, int | float)]
    if name.strip("_") in ("add", "iadd"):
        return len(constants) == 1 and 0 < constants[0] <= GUARD
    if name.strip("_") not in ("clamp", "clamp_min", "clamp_max", "clip", "maximum", "minimum", "threshold"):
        return False
    return bool(constants) and all(0 < c <= GUARD or 0 < abs(1 - c) <= GUARD for c in constants)


def _name(traced: fx.GraphModule, node: fx.Node) -> str:
    if node.op == "call_module":
        return type(traced.get_submodule(str(node.target))).__name__
    return str(node.target) if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def _in_float64(traced: fx.GraphModule, calls: list[list[Any]]) -> tuple[fx.GraphModule, list[list[Any]]]:
    wide = copy.deepcopy(traced).double()
    widened = [widen(inputs) for inputs in calls]
    return (wide, widened) if _result(fx.Interpreter(wide), widened[0]) is not None else (traced, calls)


def _result(interpreter: fx.Interpreter, inputs: list[Any]) -> list[torch.Tensor] | None:
    """Return the tensors of a call's result, None if it raises."""
    seed_all(0)
    found: list[torch.Tensor] = []
    try:
        with torch.no_grad():
            map_tensors(interpreter.run(*map_tensors(inputs, torch.clone)), found.append)
    except Exception:  # noqa: BLE001  (foreign code, and with an operation left out)
        return None
    return [tensor.double() for tensor in found]


def _same(expected: list[torch.Tensor], found: list[torch.Tensor] | None, below: float) -> bool:
    if found is None or [t.shape for t in expected] != [t.shape for t in found]:
        return False
    for want, got in zip(expected, found, strict=True):
        defined = torch.isfinite(want)
        change = (want - got)[defined].abs()
        if not bool((change <= below * want[defined].abs().max()).all() if change.numel() else True):
            return False
    return True
