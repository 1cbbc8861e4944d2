"""Rules on a candidate's source: what an honest answer has no need of.

They work on syntax trees, never on text, and only reject what they can prove; what they can't prove is left to the
checks at run time. Policy ``strict`` rejects on the first finding that ``rejects``, policy ``report`` records them.
"""

import ast

from pipeline.judge.rules import access, work
from pipeline.judge.rules.findings import EXPLANATIONS, Finding
from pipeline.judge.rules.native import native_findings
from pipeline.judge.rules.source import Source

__all__ = ["EXPLANATIONS", "Finding", "findings", "native_findings"]


def findings(code: str) -> list[Finding]:
    """Return what the rules find in a candidate's Python module, in the order of the lines.

    Its CUDA and C++ sources are looked at when it asks for a build, however they were put together: see
    ``native_findings``.

    Raises:
        SyntaxError: the source is not Python (ValueError's null bytes and RecursionError's depth included).
    """
    try:
        source = Source(ast.parse(code, "<candidate>"))
        found = {*access.examine(source), *work.examine(source)}
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error
    return sorted(found, key=lambda f: (f.line, not f.rejects, f.rule, f.what))
