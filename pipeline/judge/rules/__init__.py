"""Rules on a candidate's source: what an honest answer has no need of.

They work on syntax trees, never on text, and only reject what they can prove; what they can't prove is left to the
checks at run time. Policy ``strict`` rejects on the first finding that ``rejects``, policy ``report`` records them.
"""

import ast
from collections import deque
from collections.abc import Iterator

from pipeline.judge.rules import access, work
from pipeline.judge.rules.findings import EXPLANATIONS, Finding
from pipeline.judge.rules.native import native_findings
from pipeline.judge.rules.source import Source, telling_children
from pipeline.python_syntax import parse

__all__ = ["EXPLANATIONS", "Finding", "findings", "findings_and_texts", "native_findings"]


def findings(code: str) -> list[Finding]:
    """Return what the rules find in a candidate's Python module, in the order of the lines.

    Its CUDA and C++ sources are looked at when it asks for a build, however they were put together: see
    ``native_findings``.

    Raises:
        SyntaxError: the source is not Python (ValueError's null bytes and RecursionError's depth included).
    """
    return findings_and_texts(code)[0]


def findings_and_texts(code: str) -> tuple[list[Finding], list[str]]:
    """Return what ``findings`` does, and the texts in the module, which may hold its CUDA and C++ sources.

    Texts come in the order in which ``ast.walk`` comes to them. Raises as ``findings``.
    """
    try:
        tree = parse(code, "<candidate>")
        source = Source(tree)
        found = {*access.examine(source), *work.examine(source)}
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error
    return sorted(found, key=lambda f: (f.line, not f.rejects, f.rule, f.what)), list(_texts(tree))


def _texts(tree: ast.Module) -> Iterator[str]:
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        waiting += telling_children(node)
