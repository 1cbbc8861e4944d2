"""Rules on a candidate's Python source: what an honest answer has no need of.

They work on the syntax tree, never on text, and only reject what they can prove; what they can't prove is left to
the checks at run time. Policy ``strict`` rejects on the first finding, policy ``report`` records them.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

IMPORTS = frozenset(
    {"torch", "math", "typing", "__future__", "functools", "itertools", "collections", "dataclasses", "textwrap"}
)
FORBIDDEN_TORCH_MODULES = ("torch.compiler", "torch._dynamo", "torch._inductor", "torch.jit", "torch.multiprocessing")
DYNAMIC = frozenset(
    {"exec", "eval", "compile", "__import__", "open", "globals", "locals", "vars", "breakpoint", "input", "setattr"}
    | {"delattr", "memoryview"}
)
HARMLESS_DUNDERS = frozenset({"__init__", "__name__", "__doc__", "__class__", "__call__", "__version__", "__file__"})
FRAME_ATTRIBUTES = frozenset({"f_globals", "f_locals", "f_back", "gi_frame", "tb_frame", "cr_frame", "_getframe"})
COMPILERS = frozenset({"torch.compile", "torch.jit.script", "torch.jit.trace", "torch.cuda.make_graphed_callables"})
TIMERS = frozenset({"torch.cuda.Stream", "torch.cuda.stream", "torch.cuda.set_stream", "torch.cuda.CUDAGraph"})


@dataclass(frozen=True)
class Finding:
    """A rule that fired: its id, the line, and what was found there."""

    rule: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def findings(code: str) -> list[Finding]:
    """Return what the rules find, in the order of the lines.

    Raises:
        SyntaxError: the source is not Python (ValueError's null bytes and RecursionError's depth included).
    """
    try:
        tree = ast.parse(code, "<candidate>")
        found = [finding for node in ast.walk(tree) for finding in _examine(node)]
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error
    return sorted(found, key=lambda f: (f.line, f.rule))


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` of a chain of attributes on a name, an empty string of anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _examine(node: ast.AST) -> Iterator[Finding]:
    line = getattr(node, "lineno", 0)
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imports(node)
        case ast.Name(id=name, ctx=ast.Load()) if name in DYNAMIC:
            yield Finding("dynamic_code", line, f"{name}()")
        case ast.Try() | ast.TryStar():
            yield Finding("fallback", line, "a try statement: an answer must not have a second path")
        case ast.Attribute():
            yield from _attribute(node)
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _assignment(target, line)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            yield from _assignment(target, line)
        case ast.ClassDef(name="ModelNew", bases=bases) if any(dotted(b).endswith("Model") for b in bases):
            yield Finding("inherits_reference", line, "ModelNew inherits from Model")


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    if isinstance(node, ast.ImportFrom) and node.level:
        yield Finding("import", node.lineno, "a relative import")
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        name = prefix + alias.name
        if name.partition(".")[0] not in IMPORTS or name.startswith(FORBIDDEN_TORCH_MODULES):
            yield Finding("import", node.lineno, f"imports {name}")
        elif name in COMPILERS:
            yield Finding("torch_compile", node.lineno, name)


def _attribute(node: ast.Attribute) -> Iterator[Finding]:
    path, attr = dotted(node), node.attr
    if attr in FRAME_ATTRIBUTES or (attr.startswith("__") and attr.endswith("__") and attr not in HARMLESS_DUNDERS):
        yield Finding("introspection", node.lineno, f".{attr}")
    elif path in COMPILERS:
        yield Finding("torch_compile", node.lineno, path)
    elif path in TIMERS:
        yield Finding("stream", node.lineno, path)


def _assignment(target: ast.AST, line: int) -> Iterator[Finding]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _assignment(element, line)
    elif isinstance(target, ast.Attribute | ast.Subscript):
        path = dotted(target if isinstance(target, ast.Attribute) else target.value)
        if path.split(".")[0] in IMPORTS:
            yield Finding("patches_library", line, f"assigns to {path}")
