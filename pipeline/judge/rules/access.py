"""Rules on what a module reaches for: imports, the interpreter's insides, torch's own, files, clocks, seeds."""

import ast
import sys
from collections.abc import Iterator
from itertools import accumulate

from pipeline.judge.rules.access_names import (
    CHECKPOINT,
    COMPILERS,
    DECODERS,
    DEFINABLE_DUNDERS,
    DYNAMIC,
    EVALUATES,
    FILES,
    FRAMES,
    HARMLESS_DUNDERS,
    HARMLESS_PRIVATE,
    HOST_DATA,
    INSIDES,
    LEADING_OUT,
    MODES,
    MODULES,
    NAMES,
    OWN_NAMES,
    PRIVATE_OF_LIBRARIES,
    READERS,
    SEEDS,
    STREAMS,
    TORCH_SUBMODULES,
    TORCH_UTILS,
)
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.source import Source, bound_names, dotted, formatted_attributes, is_module


def examine(source: Source) -> Iterator[Finding]:
    """Yield what the module reaches for and an honest answer would not."""
    own = _own_private_names(source)
    for line, name in source.ambiguous:
        yield Finding("dynamic_code", line, f"{name} stands for two modules")
    for node in source.nodes:
        for name in bound_names(node):
            if _is_dunder(name) and name not in DEFINABLE_DUNDERS:
                yield Finding("introspection", getattr(node, "lineno", 0), f"defines {name}")
        yield from _named(source, node, own)
        yield from _looked_up(source, node, own)
        for target in _targets(node):
            yield from _assigned(source, target, getattr(node, "lineno", target.lineno))


def _named(source: Source, node: ast.AST, own: set[str]) -> Iterator[Finding]:
    """Look at what a node names outright."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imports(node)
            if isinstance(source.parents[node], ast.ClassDef):
                yield Finding("dynamic_code", node.lineno, "an import in a class, where it becomes an attribute")
        case ast.Name(id=name):
            yield from _name(source, node, name)
            if isinstance(node.ctx, ast.Load):
                yield from _passed_on(source, node)
        case ast.Attribute(attr=attr):
            yield from _passed_on(source, node)
            if attr == "__class__" and not _is_named(source, node):
                yield Finding("introspection", node.lineno, ".__class__")
            yield from _attribute(source.path(node), attr, node.lineno)
            if _is_private(attr) and not source.path(node) and not _is_own_private(node.value, attr, own):
                yield Finding("private_api", node.lineno, f".{attr}, which this module does not define")


def _looked_up(source: Source, node: ast.AST, own: set[str]) -> Iterator[Finding]:
    """Look at ways to an attribute that do not spell it as one."""
    match node:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, name, *_]):
            yield from _getattr(source, owner, name, own)
        case ast.Call(func=function) if source.path(function) == "functools.wraps":
            if len(node.args) != 1 or node.keywords:
                yield Finding("dynamic_code", node.lineno, "functools.wraps with a choice of attributes")
        case ast.MatchClass(patterns=patterns, kwd_attrs=names):
            if patterns:
                yield Finding("introspection", node.lineno, "a class pattern that does not say which attributes")
            for name in names:
                yield from _attribute("", name, node.lineno)
        case ast.Constant(value=str(text)) if text in INSIDES:
            yield Finding("introspection", node.lineno, f"names {text}")
        case ast.Constant(value=str(text)):
            insides = (attr for attr in formatted_attributes(text) if attr in FRAMES or _is_dunder(attr))
            yield from (Finding("introspection", node.lineno, f"formats .{attr}") for attr in insides)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    if isinstance(node, ast.ImportFrom) and node.level:
        yield Finding("import", node.lineno, "a relative import")
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        path = prefix + alias.name
        whole = isinstance(node, ast.Import) and path in NAMES
        if alias.name == "*":
            yield Finding("import", node.lineno, f"imports {path}")
        elif not whole:
            yield from _library_path(path, node.lineno)


def _name(source: Source, node: ast.Name, name: str) -> Iterator[Finding]:
    if isinstance(node.ctx, ast.Load):
        parent = source.parents[node]
        if name in DYNAMIC and not (name == "getattr" and isinstance(parent, ast.Call) and parent.func is node):
            yield Finding("dynamic_code", node.lineno, f"{name}()")
        elif name == "open":
            yield Finding("files", node.lineno, "open()")
        elif name in ("chr", "bytes", "bytearray"):
            yield Finding("hidden_source", node.lineno, f"{name}()")
        elif name == "id":
            yield Finding("cache_key", node.lineno, "id()")
        elif name == "type" and not _asks_for_type(source, parent, node):
            yield Finding("dynamic_code", node.lineno, "type() for more than to compare or to name one")
        if _is_dunder(name) and name not in HARMLESS_DUNDERS:
            yield Finding("introspection", node.lineno, name)


def _asks_for_type(source: Source, call: ast.AST, node: ast.Name) -> bool:
    """Whether it is ``type(x)``, compared or named, and not a class that is made or called."""
    if isinstance(call, ast.Call) and call.func is node and len(call.args) == 1 and not call.keywords:
        user = source.parents[call]
        names = isinstance(user, ast.Attribute) and user.attr in ("__name__", "__doc__")
        return names or isinstance(user, ast.Compare | ast.FormattedValue)
    return isinstance(call, ast.Subscript | ast.arg | ast.AnnAssign | ast.BinOp)  # an annotation


def _is_named(source: Source, node: ast.Attribute) -> bool:
    """Whether it is ``x.__class__.__name__``."""
    parent = source.parents[node]
    return isinstance(parent, ast.Attribute) and parent.attr in ("__name__", "__doc__")


def _passed_on(source: Source, node: ast.expr) -> Iterator[Finding]:
    """A module that is passed around could be looked into under another name."""
    path = source.path(node)
    if path and is_module(path):
        parent = source.parents[node]
        asks = (
            isinstance(parent, ast.Call) and dotted(parent.func) in ("hasattr", "getattr") and parent.args[0] is node
        )
        renames = (
            isinstance(parent, ast.Assign)
            and all(isinstance(t, ast.Name) for t in parent.targets)
            and not isinstance(source.parents[parent], ast.ClassDef)
        )
        if not (isinstance(parent, ast.Attribute) or asks or renames):
            yield Finding("dynamic_code", node.lineno, f"passes the module {path} on")


def _attribute(path: str, attr: str, line: int) -> Iterator[Finding]:
    if attr in FRAMES or (_is_dunder(attr) and attr not in HARMLESS_DUNDERS):
        yield Finding("introspection", line, f".{attr}")
    elif path:
        yield from _library_path(path, line)
    elif attr in LEADING_OUT:
        yield Finding("import", line, f".{attr}")
    elif attr in HOST_DATA:
        yield Finding("host_computes", line, f".{attr}: takes a tensor's data to where no kernel runs")
    elif attr in READERS:
        yield Finding("files", line, f".{attr}")
    elif attr in DECODERS:
        yield Finding("hidden_source", line, f".{attr}")
    elif attr == "_version":
        yield Finding("cache_key", line, "._version")


def _library_path(path: str, line: int) -> Iterator[Finding]:
    """Look at something of a library by its full path; at most one rule fires."""
    parts = path.split(".")
    root, last = parts[0], parts[-1]
    if rule := _rule_of_torch(path, parts, last) if root == "torch" else None:
        yield Finding(rule, line, path)
    elif path in HARMLESS_PRIVATE:
        return
    elif any(map(_is_private, parts)):
        yield Finding("private_api", line, path)
    elif path in EVALUATES:
        yield Finding("dynamic_code", line, path)
    elif root not in MODULES and root not in NAMES:
        yield Finding("timing" if root in ("time", "timeit") else "import", line, path)
    elif (names := NAMES.get(root)) is not None and path != root and path not in names:
        yield Finding("files" if root == "os" else "import", line, path)
    elif any(map(_is_pythons, accumulate(parts, "{}.{}".format))):
        yield Finding("import", line, path)


def _is_pythons(path: str) -> bool:
    """Whether a library's part is a module of Python (or numpy) that the library happens to import."""
    *above, last = path.split(".")
    return bool(above) and path not in OWN_NAMES and (last in sys.stdlib_module_names or last in ("np", "mp"))


def _rule_of_torch(path: str, parts: list[str], last: str) -> str | None:
    """Return the first rule against something of torch."""
    second = parts[1] if len(parts) > 1 else ""
    sets = second.startswith(("set_", "use_deterministic")) and second not in ("set_grad_enabled", "set_printoptions")
    casts = second == "autocast" or parts[1:3] in (["amp", "autocast"], ["cuda", "amp"])
    rules = {
        "torch_compile": path.startswith(COMPILERS),
        "files": path in FILES or path.startswith("torch.hub."),
        "timing": path.startswith("torch.utils.benchmark")
        or (last in ("Event", "elapsed_time") and second == "cuda"),
        "import": second in TORCH_SUBMODULES
        or "torch" in parts[1:]
        or (second == "utils" and len(parts) > 2 and parts[2] not in TORCH_UTILS)
        or (parts[1:3] == ["utils", "checkpoint"] and not CHECKPOINT.issuperset(parts[3:])),
        "stream": second in ("cuda", "Stream") and last in STREAMS,
        "seed": last in SEEDS and (second in SEEDS or second == "cuda"),
        "test_mode": last in MODES,
        "host_computes": last in HOST_DATA,
        "global_state": sets or casts,
    }
    return next((rule for rule, fires in rules.items() if fires), None)


def _getattr(source: Source, owner: ast.expr, name: ast.expr, own: set[str]) -> Iterator[Finding]:
    """A literal name is as good as an attribute; another one is for choosing among an extension's functions only."""
    path, line = source.path(owner), owner.lineno
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        yield from _attribute(f"{path}.{name.value}" if path else "", name.value, line)
        if not path and _is_private(name.value) and not _is_own_private(owner, name.value, own):
            yield Finding("private_api", line, f".{name.value}, which this module does not define")
    elif path or dotted(owner).removeprefix("self.") not in source.extensions or not _starts_with_letter(name):
        yield Finding("dynamic_code", line, f"getattr({dotted(owner) or '...'}, {ast.unparse(name)[:60]})")


def _starts_with_letter(text: ast.expr) -> bool:
    match text:
        case ast.Constant(value=str(value)):
            return value[:1].isalpha()
        case ast.BinOp(left=left, op=ast.Add()):
            return _starts_with_letter(left)
        case ast.JoinedStr(values=[first, *_]):
            return _starts_with_letter(first)
    return False


def _targets(node: ast.AST) -> list[ast.expr]:
    """Return what a statement binds or deletes."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return [target]
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return [target]
        case ast.withitem(optional_vars=ast.expr() as target) | ast.comprehension(target=target):
            return [target]
    return []


def _assigned(source: Source, target: ast.AST, line: int) -> Iterator[Finding]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _assigned(source, element, line)
    elif isinstance(target, ast.Attribute | ast.Subscript):
        path = source.path(target if isinstance(target, ast.Attribute) else target.value)
        if path.startswith("torch.backends."):
            yield Finding("global_state", line, f"sets {path}")
        elif path and path != "os.environ":
            yield Finding("patches_library", line, f"assigns to {path}")


def _own_private_names(source: Source) -> set[str]:
    """Return the private names that the module itself defines, and those of nn.Module's containers."""
    names = {"_parameters", "_buffers", "_modules"}
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # register_buffer("_mask", ...)
            names.add(node.value)
    return names


def _is_own_private(owner: ast.expr, name: str, own: set[str]) -> bool:
    """Whether a private name is the module's own: defined there, and if a library's objects have it too, a self's."""
    return name in own and (name not in PRIVATE_OF_LIBRARIES or dotted(owner) in ("self", "cls"))


def _is_dunder(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not _is_dunder(name)
