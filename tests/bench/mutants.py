"""Mutants of CUDA kernels: one small mistake each, of the kinds that people and models make.

A mutation works on the syntax tree of the device functions in a candidate's CUDA source. Some mutants are
equivalent: they compute the same, or differ only where no input can tell.
"""

import ast
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.judge.cuda_syntax import Node, descendants, parsed, text_of

RELAXED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OPPOSITE = {
    "fmaxf": "fminf", "fminf": "fmaxf", "max": "min", "min": "max",
    "atomicMax": "atomicMin", "atomicMin": "atomicMax",
}  # fmt: skip
BARRIERS = re.compile(r"(__sync(threads|warp)|\w+\.sync)\(.*\);", re.DOTALL)
ATOMIC_ADD = re.compile(r"atomicAdd\(([^,]+),(.+)\);", re.DOTALL)


@dataclass(frozen=True)
class Mutant:
    """A candidate with one mistake: what kind of, and the line of the CUDA source before and after."""

    kind: str
    line: int
    before: str
    after: str
    code: str


@dataclass(frozen=True)
class _Edit:
    kind: str
    start: int
    end: int
    text: str


def mutants(code: str, limit: int, seed: int) -> list[Mutant]:
    """Return up to ``limit`` mutants of a candidate's module, of as many kinds as there are, drawn with ``seed``.

    The CUDA source is the module's string that holds ``__global__``; it must stand in the module letter by letter
    (a raw string).
    """
    cuda = _cuda_source(code)
    by_kind: dict[str, list[_Edit]] = defaultdict(list)
    for edit in _edits(cuda):
        by_kind[edit.kind].append(edit)
    generator = random.Random(seed)
    for edits in by_kind.values():
        generator.shuffle(edits)
    kinds = sorted(by_kind)
    generator.shuffle(kinds)
    rounds = max(map(len, by_kind.values()), default=0)
    chosen = [by_kind[kind][turn] for turn in range(rounds) for kind in kinds if turn < len(by_kind[kind])]
    return [_applied(code, cuda, edit) for edit in chosen[:limit]]


def _cuda_source(code: str) -> str:
    strings = [n.value for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return next((text for text in strings if "__global__" in text and text in code), "")


def _applied(code: str, cuda: str, edit: _Edit) -> Mutant:
    raw = cuda.encode()
    changed = (raw[: edit.start] + edit.text.encode() + raw[edit.end :]).decode()
    line = raw[: edit.start].count(b"\n")
    before, after = cuda.splitlines()[line].strip(), changed.splitlines()[line].strip()
    return Mutant(edit.kind, line + 1, before, after, code.replace(cuda, changed, 1))


def _edits(cuda: str) -> Iterator[_Edit]:
    """Yield every mutation of the device functions."""
    for function in descendants(parsed(cuda)):
        body = function.child_by_field_name("body")
        if function.type != "function_definition" or body is None:
            continue
        if not {child.type for child in function.children} & {"__global__", "__device__"}:
            continue
        for node in descendants(body):
            for mutate in (_operator, _call, _statement, _constant, _swapped_index):
                yield from mutate(node)
        yield from _last_branch(body)


def _replaced(kind: str, node: Node, text: str) -> _Edit:
    return _Edit(kind, node.start_byte, node.end_byte, text)


def _operator(node: Node) -> Iterator[_Edit]:
    if node.type != "binary_expression":
        return
    operator, right = node.child_by_field_name("operator"), node.child_by_field_name("right")
    if operator is None or right is None:
        return
    sign = text_of(operator)
    if sign in RELAXED:
        yield _replaced("relaxed comparison", operator, RELAXED[sign])
    if sign in ("<", "<="):
        yield _replaced("bound off by one", right, f"({text_of(right)} - 1)")
    if sign in ("+", "-"):
        yield _replaced("plus and minus", operator, "-" if sign == "+" else "+")


def _call(node: Node) -> Iterator[_Edit]:
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    if function is not None and text_of(function) in OPPOSITE:
        yield _replaced("maximum and minimum", function, OPPOSITE[text_of(function)])


def _statement(node: Node) -> Iterator[_Edit]:
    if node.type != "expression_statement":
        return
    text = text_of(node)
    if BARRIERS.fullmatch(text):
        yield _replaced("dropped barrier", node, ";")
    elif atomic := ATOMIC_ADD.fullmatch(text):
        yield _replaced("lost atomicity", node, f"*({atomic[1]}) +={atomic[2]};")


def _constant(node: Node) -> Iterator[_Edit]:
    """A number one larger; a floating one half as large again, zero to a half."""
    text = text_of(node)
    if node.type != "number_literal" or _within(node, "template_argument_list"):
        return
    if re.fullmatch(r"\d+", text):
        yield _replaced("changed constant", node, str(int(text) + 1))
    elif match := re.fullmatch(r"(\d*\.\d*)(e[+-]?\d+)?(f?)", text):
        value = float(match[1]) * 1.5 or 0.5
        yield _replaced("changed constant", node, f"{value}{match[2] or ''}{match[3]}")


def _swapped_index(node: Node) -> Iterator[_Edit]:
    """``a * b + c`` inside an index to ``c * b + a``."""
    if node.type != "binary_expression" or not _within(node, "subscript_expression"):
        return
    product, last = node.child_by_field_name("left"), node.child_by_field_name("right")
    if product is None or last is None or product.type != "binary_expression" or text_of(node.children[1]) != "+":
        return
    first, sign = product.child_by_field_name("left"), product.child_by_field_name("operator")
    factor = product.child_by_field_name("right")
    if first is not None and text_of(sign) == "*":
        yield _replaced("swapped index", node, f"({text_of(last)}) * {text_of(factor)} + ({text_of(first)})")


def _last_branch(body: Node) -> Iterator[_Edit]:
    branches = [child for child in body.children if child.type in ("for_statement", "if_statement")]
    if branches:
        yield _replaced("dropped last branch", branches[-1], ";" + "\n" * text_of(branches[-1]).count("\n"))


def _within(node: Node, kind: str) -> bool:
    parent: Node | None = node.parent
    while parent is not None and parent.type not in ("function_definition", "compound_statement"):
        if parent.type == kind:
            return True
        parent = parent.parent
    return False
