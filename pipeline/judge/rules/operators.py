"""Rules on operators that a module defines itself: ``torch.library.custom_op`` and what is then in ``torch.ops``."""

import ast
from collections.abc import Iterator

from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.source import Source

DEFINES = "torch.library.custom_op"


def is_own_operator(source: Source, node: ast.Attribute) -> bool:
    """Whether it is ``torch.ops.mine.scale``, or a part of that, where the module defines operators called mine."""
    path = source.path(node)
    if path in ("torch.ops", "torch.library"):  # as part of what is looked at by itself
        parent = source.parents[node]
        return isinstance(parent, ast.Attribute) and (path == "torch.library" or is_own_operator(source, parent))
    return path.startswith("torch.ops.") and path.split(".")[2] in source.operators and isinstance(node.ctx, ast.Load)


def defines_later(source: Source, node: ast.Name | ast.Attribute) -> Iterator[Finding]:
    """Yield an operator's definition elsewhere than at the top: torch would keep what is done there between calls."""
    call = source.parents[node]
    inner = call
    for ancestor in source.ancestors(call):
        decorates = isinstance(ancestor, ast.FunctionDef) and inner in ancestor.decorator_list
        if isinstance(ancestor, ast.FunctionDef | ast.Lambda | ast.ClassDef) and not decorates:
            yield Finding("dynamic_code", node.lineno, "defines an operator elsewhere than at the top")
            return
        inner = ancestor
    if not isinstance(call, ast.Call) or call.func is not node:
        yield Finding("dynamic_code", node.lineno, f"passes {DEFINES} on")
