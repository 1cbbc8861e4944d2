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
    | {"delattr", "memoryview", "__builtins__"}
)
HOST_DATA = frozenset(
    {"numpy", "tolist", "from_numpy", "frombuffer", "from_dlpack", "to_dlpack", "asarray", "untyped_storage"}
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
        rules = _Rules(_library_names(tree))
        found = [finding for node in ast.walk(tree) for finding in rules.examine(node)]
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


def _library_names(tree: ast.Module) -> dict[str, str]:
    """Return what names stand for: ``{"F": "torch.nn.functional"}``, assignments like ``T = torch`` included."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
            names |= {root: root for a in node.names if not a.asname for root in [a.name.split(".")[0]]}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (path := _resolved(dotted(node.value), names)):
            names |= {target.id: path for target in node.targets if isinstance(target, ast.Name)}
    return names


def _resolved(path: str, names: dict[str, str]) -> str:
    """Return the full path of something of a library, an empty string for anything else."""
    root, dot, rest = path.partition(".")
    return names[root] + dot + rest if root in names else ""


class _Rules:
    """The rules on one module, whose names for libraries are known."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def examine(self, node: ast.AST) -> Iterator[Finding]:
        """Yield what the rules find at one node of the tree."""
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from self._imports(node)
            case ast.Name(id=name, ctx=ast.Load()) if name in DYNAMIC:
                yield Finding("dynamic_code", line, f"{name}()")
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, name, *_]):
                yield from self._getattr(owner, name, line)
            case ast.Try() | ast.TryStar():
                yield Finding("fallback", line, "a try statement: an answer must not have a second path")
            case ast.Attribute():
                yield from self._attribute(node)
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from self._assignment(target, line)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                yield from self._assignment(target, line)
            case ast.ClassDef(name="ModelNew", bases=bases) if any(dotted(b).endswith("Model") for b in bases):
                yield Finding("inherits_reference", line, "ModelNew inherits from Model")

    def _imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield Finding("import", node.lineno, "a relative import")
        prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            name = prefix + alias.name
            unknown = name.partition(".")[0] not in IMPORTS or name.startswith(FORBIDDEN_TORCH_MODULES)
            if unknown or _is_private(name):
                yield Finding("import", node.lineno, f"imports {name}")
            elif name in COMPILERS:
                yield Finding("torch_compile", node.lineno, name)

    def _attribute(self, node: ast.Attribute) -> Iterator[Finding]:
        path, attr = _resolved(dotted(node), self._names), node.attr
        if attr in FRAME_ATTRIBUTES or (_is_dunder(attr) and attr not in HARMLESS_DUNDERS):
            yield Finding("introspection", node.lineno, f".{attr}")
        elif _is_private(path):
            yield Finding("private_api", node.lineno, path)
        elif attr in HOST_DATA:
            yield Finding("host_computes", node.lineno, f".{attr}: takes a tensor's data to where no kernel runs")
        elif path in COMPILERS:
            yield Finding("torch_compile", node.lineno, path)
        elif path in TIMERS:
            yield Finding("stream", node.lineno, path)

    def _getattr(self, owner: ast.expr, name: ast.expr, line: int) -> Iterator[Finding]:
        """A literal name is as good as an attribute; of a library, only a literal one can be looked at."""
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            attribute = ast.Attribute(owner, name.value, ast.Load())
            yield from self._attribute(ast.copy_location(attribute, owner))
        elif _resolved(dotted(owner), self._names):
            yield Finding("dynamic_code", line, f"getattr({dotted(owner)}, ...)")

    def _assignment(self, target: ast.AST, line: int) -> Iterator[Finding]:
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                yield from self._assignment(element, line)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            path = _resolved(dotted(target if isinstance(target, ast.Attribute) else target.value), self._names)
            if path:
                yield Finding("patches_library", line, f"assigns to {path}")


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_private(path: str) -> bool:
    """Whether a library's path leads through a private name."""
    return any(part.startswith("_") and not _is_dunder(part) for part in path.split("."))
