"""Objects that are not a candidate's own, and on which it could leave something all the same (imports torch)."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

_METHODS = (types.FunctionType, classmethod, staticmethod, property, types.BuiltinFunctionType)
_METHODS += (types.GetSetDescriptorType, types.MemberDescriptorType, types.MethodDescriptorType)
_METHODS += (types.WrapperDescriptorType, types.ClassMethodDescriptorType)


def named_of_libraries(globals_: Mapping[str, Any], code: types.CodeType, modules: Mapping[str, Any]) -> list[Any]:
    """Return the functions and classes of libraries that a candidate's code has the names of.

    Args:
        globals_: of its module.
        code: the module's.
        modules: ``sys.modules``: what is not there is the candidate's.
    """
    names = set(_names(code))
    waiting = [modules[name] for name in sorted(names & modules.keys())]
    waiting += [value for value in globals_.values() if isinstance(value, types.ModuleType)]
    found = [value for value in globals_.values() if isinstance(value, types.FunctionType | type)]
    seen: set[int] = set()
    while waiting:
        owner = waiting.pop()
        if id(owner) in seen or (isinstance(owner, types.ModuleType) and modules.get(owner.__name__) is not owner):
            continue
        seen.add(id(owner))
        for value in [vars(owner)[name] for name in sorted(names & vars(owner).keys())]:
            if isinstance(value, types.FunctionType | type):
                found.append(value)
            if isinstance(value, types.ModuleType | type):
                waiting.append(value)
    return list({id(value): value for value in found}.values())


def left_on_others(libraries: Sequence[Any], inputs: Sequence[Any]) -> dict[str, Any]:
    """Return what may be left on libraries' functions and classes and on a call's arguments, by what it is."""
    return {
        "an attribute of a library's function or class": [_attributes(value) for value in libraries],
        "an attribute of an argument": [vars(t) for t in inputs if isinstance(t, torch.Tensor)],
        "torch's number of hooks": RemovableHandle.next_id,
    }


def _attributes(value: Any) -> dict[str, Any]:
    return {name: item for name, item in vars(value).items() if not isinstance(item, _METHODS)}


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names of globals, attributes and modules in a code object and those within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
