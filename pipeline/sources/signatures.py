"""Constructor arguments by position, read off the source: what ``Model(*get_init_inputs())`` needs."""

import ast
from collections.abc import Mapping, Sequence


class UnboundError(Exception):
    """The arguments can't be written by position."""


def parameters(function: ast.FunctionDef) -> dict[str, ast.expr | None]:
    """Return the positional parameters after ``self``, if that is the first, and their defaults."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    defaults: list[ast.expr | None] = [None] * (len(names) - len(function.args.defaults))
    found = dict(zip(names, [*defaults, *function.args.defaults], strict=True))
    found.pop("self", None)
    return found


def constructor(name: str, classes: Mapping[str, ast.ClassDef]) -> ast.FunctionDef | None:
    """Return the ``__init__`` that a class of the module has or inherits from another one of it."""
    visited: set[str] = set()
    while name in classes and name not in visited:
        visited.add(name)
        for node in classes[name].body:
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                return node
        bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
        name = bases[0] if bases else ""
    return None


def positional(
    name: str, classes: Mapping[str, ast.ClassDef], arguments: Sequence[ast.expr], keywords: Mapping[str, ast.expr]
) -> list[str]:
    """Return the expressions to call a class's constructor with, by position; gaps are filled with its defaults.

    Raises:
        UnboundError: an argument has no place, or one before it has neither value nor default.
    """
    given = [ast.unparse(argument) for argument in arguments]
    if not keywords:
        return given
    function = constructor(name, classes)
    if function is None:
        raise UnboundError(f"{name} has no __init__ that takes {', '.join(keywords)}")
    places = parameters(function)
    if unknown := [key for key in keywords if key not in list(places)[len(given) :]]:
        raise UnboundError(f"__init__ takes no {unknown[0]} by position")
    last = max(list(places).index(key) for key in keywords)
    for key in list(places)[len(given) : last + 1]:
        value = keywords.get(key, places[key])
        if value is None:
            raise UnboundError(f"{key} has neither a value nor a default")
        given.append(ast.unparse(value))
    return given
