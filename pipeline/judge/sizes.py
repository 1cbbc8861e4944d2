"""The sizes of a task's module: its module-level integers, which settings override.

A size is a name that is assigned an integer, or arithmetic on integers, at the top level, alone or with others as in
``height = width = 256``; the elements of a tuple or list of integers are sizes too, called ``shape[0]`` and so on.
What is computed from other names is no size of its own: it follows them. Plain numbers in the shapes of inputs and
among the constructor's arguments are sizes too, see ``written_sizes``.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping

from pipeline.judge.written_sizes import written_in, written_sizes

_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def sizes_of(tree: ast.Module) -> dict[str, int]:
    """Return the sizes of a module in the order in which they are assigned, then those that have no name."""
    return {name: _integer(node) or 0 for name, node in (*_places(tree), *written_sizes(tree))}


def sizes_in(tree: ast.Module, function: str) -> set[str]:
    """Return the names of the sizes that a function of the module uses."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    names = {node.id for part in found for node in ast.walk(part) if isinstance(node, ast.Name)}
    return {name for name, _ in _places(tree) if name.partition("[")[0] in names} | written_in(tree, function)


def told(sizes: Mapping[str, int]) -> str:
    """Return sizes as a person reads them."""
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def with_sizes(tree: ast.Module, sizes: Mapping[str, int]) -> ast.Module:
    """Change the sizes in place, wherever they are assigned or written, and return the tree."""
    for name, number in written_sizes(tree):
        number.value = sizes.get(name, number.value)
    for statement in tree.body:
        target, value = _assignment(statement)
        if isinstance(target, ast.Name) and target.id in sizes and isinstance(statement, ast.Assign | ast.AnnAssign):
            statement.value = ast.copy_location(ast.Constant(sizes[target.id]), statement)
        elif isinstance(target, ast.Name | ast.Tuple) and isinstance(value, ast.Tuple | ast.List):
            names = _element_names(target, value)
            value.elts = [
                ast.copy_location(ast.Constant(sizes[name]), element) if name in sizes else element
                for name, element in zip(names, value.elts, strict=True)
            ]
    return tree


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in tree.body:
        target, value = _assignment(statement)
        if isinstance(target, ast.Name) and value is not None and _integer(value) is not None:
            yield target.id, value
        elif isinstance(target, ast.Name | ast.Tuple) and isinstance(value, ast.Tuple | ast.List):
            for name, element in zip(_element_names(target, value), value.elts, strict=True):
                if name and _integer(element) is not None:
                    yield name, element


def _assignment(statement: ast.stmt) -> tuple[ast.expr | None, ast.expr | None]:
    if isinstance(statement, ast.Assign):
        if len(statement.targets) > 1 and (size := _integer(statement.value)) is not None:
            _pair(statement, size)
        if len(statement.targets) == 1:
            return statement.targets[0], statement.value
    if isinstance(statement, ast.AnnAssign):
        return statement.target, statement.value
    return None, None


def _pair(statement: ast.Assign, size: int) -> None:
    """Have ``height = width = 256`` say ``height, width = 256, 256``, which means the same; each can be changed."""
    if all(isinstance(target, ast.Name) for target in statement.targets):
        values: list[ast.expr] = [ast.Constant(size) for _ in statement.targets]
        statement.value = ast.copy_location(ast.Tuple(values, ast.Load()), statement)
        statement.targets = [ast.copy_location(ast.Tuple(statement.targets, ast.Store()), statement)]
        ast.fix_missing_locations(statement)


def _element_names(target: ast.Name | ast.Tuple, value: ast.Tuple | ast.List) -> list[str]:
    """Return the names of a tuple's elements: ``shape[0]`` for ``shape = (4, 5)``, ``M`` for ``M, N = 4, 5``."""
    if isinstance(target, ast.Name):
        return [f"{target.id}[{index}]" for index in range(len(value.elts))]
    names = [element.id if isinstance(element, ast.Name) else "" for element in target.elts]
    return names if len(names) == len(value.elts) else [""] * len(value.elts)


def _integer(node: ast.expr) -> int | None:
    """Return the value of an integer, or of arithmetic on integers; None of anything else."""
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            one, other = _integer(left), _integer(right)
            if one is None or other is None or (isinstance(op, ast.FloorDiv) and other == 0):
                return None
            return _ARITHMETIC[type(op)](one, other)
        case _:
            return None
