"""Rules on Python code that asks which installation or GPU it runs on, as ``native_platform`` has them for C++."""

import ast
from collections.abc import Iterator

from pipeline.judge.rules.access_names import INSTALLED, OF_ONE_GPU, PROPERTIES
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.source import Source, dotted


def installation(source: Source, node: ast.AST) -> Iterator[Finding]:
    """Look at a node for what tells one installation or GPU from another; what is only printed is no secret."""
    match node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute():
            path = source.path(node)
            if (path in INSTALLED or path.startswith("torch.version.")) and not _is_printed(source, node):
                yield Finding("test_mode", node.lineno, path)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_told(source, node):
                yield Finding("test_mode", node.lineno, ast.unparse(node)[:60])
        case ast.Call(func=ast.Name(id="hasattr"), args=[owner, *_]) if _describes(source, owner):
            yield Finding("test_mode", node.lineno, ast.unparse(node)[:60])
        case ast.Compare(ops=ops) if any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in ops):
            yield from _picks_one_gpu(source, node)


def _is_told(source: Source, node: ast.Attribute) -> bool:
    """Whether it is the text that describes a function, which another one may stand for, or the name of a GPU."""
    if node.attr == "__doc__":
        user = source.parents[node]
        targets = user.targets if isinstance(user, ast.Assign) else []
        told = not targets or any(not isinstance(t, ast.Attribute) or t.attr != "__doc__" for t in targets)
    elif node.attr == "__name__":
        told = source.path(node.value).startswith("torch.")
    else:
        told = node.attr == "name" and _describes(source, node.value)
    return told and not _is_printed(source, node)


def _picks_one_gpu(source: Source, node: ast.Compare) -> Iterator[Finding]:
    """A figure of a GPU's that is asked for with ``==`` beside a number; to size a grid by it is honest."""
    sides = [node.left, *node.comparators]
    numbers = [part.value for side in sides for part in ast.walk(side) if isinstance(part, ast.Constant)]
    figure = next((s for s in sides if isinstance(s, ast.Attribute) and s.attr in OF_ONE_GPU), None)
    if figure is not None and any(type(n) is int and n > 1 for n in numbers) and _describes(source, figure.value):
        yield Finding("test_mode", node.lineno, f"asks for one GPU: {ast.unparse(node)[:60]}")


def _describes(source: Source, node: ast.expr) -> bool:
    """Whether it is what ``get_device_properties`` returns, also under a name that it was given."""
    if isinstance(node, ast.Call):
        return source.path(node.func) == PROPERTIES
    values = [n.value for n in source.nodes if isinstance(n, ast.Assign) and dotted(node) in map(dotted, n.targets)]
    return bool(dotted(node)) and any(isinstance(v, ast.Call) and _describes(source, v) for v in values)


def _is_printed(source: Source, node: ast.expr) -> bool:
    """Whether it stands in the arguments of a ``print`` that nobody else looks at."""
    calls = [a for a in source.ancestors(node) if isinstance(a, ast.Call)]
    return any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)
