"""Objects that are not a candidate's own, and on which it could leave something all the same (imports torch)."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle


class Borrowed:
    """The functions and classes of libraries that a candidate's code has the names of, as they are before it runs.

    Args:
        code: the module's.
        modules: ``sys.modules``.
    """

    def __init__(self, code: types.CodeType, modules: Mapping[str, Any]) -> None:
        names = set(_names(code))
        waiting = [modules[name] for name in names & modules.keys()]
        seen: set[int] = set()
        self._before: list[tuple[Any, dict[str, Any]]] = []
        while waiting:
            owner = waiting.pop()
            if id(owner) in seen:
                continue
            seen.add(id(owner))
            if isinstance(owner, types.FunctionType | type):
                self._before.append((owner, dict(vars(owner))))
            if not isinstance(owner, types.FunctionType):
                found = (vars(owner)[name] for name in names & vars(owner).keys())
                waiting += [v for v in found if isinstance(v, types.ModuleType | types.FunctionType | type)]

    def left(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """Return what has been left on them since, and on a call's arguments, by what it is."""
        return {
            "an attribute of a library's function or class": [
                {name: value for name, value in vars(owner).items() if before.get(name, before) is not value}
                for owner, before in self._before
            ],
            "an attribute of an argument": [vars(t) for t in inputs if isinstance(t, torch.Tensor)],
            "torch's number of hooks": RemovableHandle.next_id,
        }


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names of globals, attributes and modules in a code object, written as texts too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
        elif isinstance(constant, str):
            yield constant
