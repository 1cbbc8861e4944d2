"""Sizes that a task's module has as plain numbers: ``torch.rand([4, 4, 64, 64])`` in ``get_inputs``.

KernelBook's modules have no others. Numbers at the same place of a shape, counted from its end, are one size as long
as they are equal: tensors that are added to each other stay of one shape. The integers that ``get_init_inputs``
returns are sizes as well, each by itself: a layer's width has to follow its input's.
"""

import ast
from collections.abc import Iterator
from typing import Any

INPUTS, ARGUMENTS = "get_inputs", "get_init_inputs"
OF_NUMBERS = ("rand", "randn", "ones", "zeros", "empty")  # torch's, whose arguments may be a shape
MAKERS = (*OF_NUMBERS, "full", "randint", "normal")  # that take one as a list
LEAST = 2  # a dimension of 1 is there to be broadcast, an argument of 1 is a switch or a step


def written_sizes(tree: ast.Module) -> list[tuple[str, ast.Constant]]:
    """Return the sizes and where they are written; several places may have one name, and then one number.

    Names are ``dimension -1``, or ``dimension -1 (64)`` where that is not the first number seen at this place of a
    shape, and ``argument 0`` or ``argument 0[2]``.
    """
    found: list[tuple[str, ast.Constant]] = []
    firsts: dict[int, Any] = {}
    for shape in (s for f in _functions(tree, INPUTS) for node in ast.walk(f) for s in _shape(node)):
        for place, element in enumerate(reversed(shape), start=1):
            for number in _number(element):
                other = number.value != firsts.setdefault(place, number.value)
                found.append((f"dimension -{place} ({number.value})" if other else f"dimension -{place}", number))
    for function in _functions(tree, ARGUMENTS):
        for node in function.body:
            if isinstance(node, ast.Return) and isinstance(node.value, ast.List | ast.Tuple):
                found += _arguments(node.value)
    return found


def written_in(tree: ast.Module, function: str) -> set[str]:
    """Return the names of the sizes that are written in one of the two functions."""
    within = {id(node) for found in _functions(tree, function) for node in ast.walk(found)}
    return {name for name, node in written_sizes(tree) if id(node) in within}


def _functions(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def _shape(node: ast.AST) -> Iterator[list[ast.expr]]:
    """Yield the shape that a call of one of ``MAKERS`` is given, if it is written there."""
    match node:
        case ast.Call(func=ast.Attribute(attr=maker) | ast.Name(id=maker), args=given, keywords=named):
            lists = [*given, *(keyword.value for keyword in named if keyword.arg == "size")]
            shapes = [value.elts for value in lists if isinstance(value, ast.List | ast.Tuple)]
            if maker in MAKERS and shapes:
                yield shapes[0]
            elif maker in OF_NUMBERS:
                yield given


def _arguments(returned: ast.List | ast.Tuple) -> Iterator[tuple[str, ast.Constant]]:
    for place, argument in enumerate(returned.elts):
        for number in _number(argument):
            yield f"argument {place}", number
        for inner, element in enumerate(argument.elts if isinstance(argument, ast.List | ast.Tuple) else []):
            for number in _number(element):
                yield f"argument {place}[{inner}]", number


def _number(node: ast.expr) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value >= LEAST:
        yield node
