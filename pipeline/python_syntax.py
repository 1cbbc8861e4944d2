"""Syntax trees of Python, in a process with several threads.

CPython 3.11 keeps the depth of the tree that is being built in one place for all threads: where another thread
gets its turn in between and parses too, ``ast.parse`` raises "SystemError: AST constructor recursion depth mismatch"
for a source that is right.
"""

import ast
import io
import threading

_PARSING = threading.RLock()


def parse(source: str, filename: str = "<unknown>") -> ast.Module:
    """Return what ``ast.parse`` does, one thread at a time; raises as it does."""
    with _PARSING:
        return ast.parse(source, filename)


def parse_expression(source: str) -> ast.Expression:
    """Return the tree of an expression, likewise."""
    with _PARSING:
        return ast.parse(source, mode="eval")


def source_lines(source: str) -> list[str]:
    """Return the lines as the nodes of a tree count them: a form feed, say, ends none, as in ``str.splitlines``."""
    return io.StringIO(source, newline=None).read().split("\n")
