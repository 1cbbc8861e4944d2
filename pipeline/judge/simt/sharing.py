"""May threads of a kernel meet at one address? Then a race in it can hide from every order of threads.

Read off the syntax tree, and only to spare other kernels an instrumented run: a wrong yes costs time.
"""

from collections.abc import Iterator

import tree_sitter

from pipeline.judge.simt.translate import parsed

_DEVICE = frozenset({"__global__", "__device__"})
_PARTS = ("parenthesized_expression", "field_expression", "subscript_expression")


def may_share(cuda: str) -> bool:
    """Return whether device code has shared memory, or changes other memory by what was in it before.

    That is ``p[i] += v``, ``++*p``, ``p[i] = p[i] + v`` or the like of a reference, where ``p`` is no array of the
    function's own.
    """
    if "__shared__" in cuda:
        return True
    for function in _descendants(parsed(cuda)):
        if function.type == "function_definition" and {child.type for child in function.children} & _DEVICE:
            nodes = list(_descendants(function))
            arrays, references = (
                {_name(node) for node in nodes if node.type == kind}
                for kind in ("array_declarator", "reference_declarator")
            )
            if any(_changes_memory(node, arrays, references) for node in nodes):
                return True
    return False


def _changes_memory(node: tree_sitter.Node, arrays: set[str], references: set[str]) -> bool:
    if node.type == "update_expression":
        target, again = node.child_by_field_name("argument"), True
    elif node.type == "assignment_expression":
        target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        compound = _text(node.child_by_field_name("operator")) != "="
        again = compound or _text(target) in {_text(part) for part in _descendants(value)}
    else:
        return False
    return again and target is not None and _reachable(target, arrays, references)


def _reachable(target: tree_sitter.Node, arrays: set[str], references: set[str]) -> bool:
    """Whether other threads may reach what is assigned to."""
    place: tree_sitter.Node | None = target
    while place is not None and place.type in _PARTS:
        inner = place.child_by_field_name("argument") or place.named_children[0]
        if place.type == "subscript_expression" and inner.type == "identifier":
            return _text(inner) not in arrays
        place = inner
    if place is None or place.type == "identifier":
        return _text(place) in references
    return True


def _name(declarator: tree_sitter.Node) -> str:
    """Return what an array or a reference is called."""
    return next((_text(node) for node in _descendants(declarator) if node.type == "identifier"), "")


def _descendants(node: tree_sitter.Node | None) -> Iterator[tree_sitter.Node]:
    if node is not None:
        yield node
        for child in node.children:
            yield from _descendants(child)


def _text(node: tree_sitter.Node | None) -> str:
    return (node.text or b"").decode(errors="replace") if node else ""
