"""Rules on what a module reaches for: imports, the interpreter's insides, torch's own, files, clocks, seeds."""

import ast
from collections.abc import Iterator

from pipeline.judge.rules.access_names import (
    ASKED_OF,
    BY_ATTRIBUTE,
    DEFINABLE_DUNDERS,
    DYNAMIC,
    FRAMES,
    HARMLESS_DUNDERS,
    IDLE_IMPORTS,
    INSIDES,
    NAMES,
    PRIVATE_OF_LIBRARIES,
)
from pipeline.judge.rules.attributes import attribute, is_dunder, is_private, library_path
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.harmless import is_harmless, logging
from pipeline.judge.rules.installation import installation
from pipeline.judge.rules.operators import DEFINES, defines_later
from pipeline.judge.rules.source import Source, bound_names, dotted, formatted_attributes, is_module


def examine(source: Source) -> Iterator[Finding]:
    """Yield what the module reaches for and an honest answer would not."""
    own = _own_private_names(source)
    logs = any(path.startswith("logging") for path in source.names.values())
    for line, name in source.ambiguous:
        yield Finding("dynamic_code", line, f"{name} stands for two modules")
    for node in source.nodes:
        for name in bound_names(node):
            if is_dunder(name) and name not in DEFINABLE_DUNDERS:
                yield Finding("introspection", getattr(node, "lineno", 0), f"defines {name}")
        yield from installation(source, node)
        if logs:
            yield from logging(source, node)
        yield from _named(source, node, own)
        yield from _looked_up(source, node, own)
        for target in _targets(node):
            yield from _assigned(source, target, getattr(node, "lineno", target.lineno))


def _named(source: Source, node: ast.AST, own: set[str]) -> Iterator[Finding]:
    """Look at what a node names outright."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imports(source, node)
            if isinstance(source.parents[node], ast.ClassDef):
                yield Finding("dynamic_code", node.lineno, "an import in a class, where it becomes an attribute")
        case ast.Name(id=name):
            yield from _name(source, node, name)
            if isinstance(node.ctx, ast.Load):
                yield from _passed_on(source, node)
                if source.names.get(name) == DEFINES:
                    yield from defines_later(source, node)
        case ast.Attribute() if not _only_shown(source, node):
            yield from _spelled(source, node, own)


def _spelled(source: Source, node: ast.Attribute, own: set[str]) -> Iterator[Finding]:
    yield from _passed_on(source, node)
    path = source.path(node)
    if path == DEFINES:
        yield from defines_later(source, node)
    if node.attr == "__class__" and not _is_named(source, node):
        yield Finding("introspection", node.lineno, ".__class__")
    if not (path and is_harmless(source, node, path)):
        yield from attribute(path, node.attr, node.lineno)
    if is_private(node.attr) and not path and not _is_own_private(node.value, node.attr, own):
        yield Finding("private_api", node.lineno, f".{node.attr}, which this module does not define")


def _looked_up(source: Source, node: ast.AST, own: set[str]) -> Iterator[Finding]:
    """Look at ways to an attribute that do not spell it as one."""
    match node:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, name, *_]):
            yield from _getattr(source, owner, name, own)
        case ast.Call(func=ast.Name(id="hasattr"), args=[owner, *_]) if source.path(owner).startswith(ASKED_OF):
            yield Finding("test_mode", node.lineno, ast.unparse(node)[:60])
        case ast.Call(func=function) if source.path(function) == "functools.wraps":
            if len(node.args) != 1 or node.keywords:
                yield Finding("dynamic_code", node.lineno, "functools.wraps with a choice of attributes")
        case ast.MatchClass(patterns=patterns, kwd_attrs=names):
            if patterns:
                yield Finding("introspection", node.lineno, "a class pattern that does not say which attributes")
            for name in names:
                yield from attribute("", name, node.lineno)
        case ast.Constant(value=str(text)) if text in INSIDES:
            yield Finding("introspection", node.lineno, f"names {text}")
        case ast.Constant(value=str(text)):
            insides = (attr for attr in formatted_attributes(text) if attr in FRAMES or is_dunder(attr))
            yield from (Finding("introspection", node.lineno, f"formats .{attr}") for attr in insides)


def _imports(source: Source, node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    if isinstance(node, ast.ImportFrom) and node.level:
        yield Finding("import", node.lineno, "a relative import")
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        path = prefix + alias.name
        whole = isinstance(node, ast.Import) and path in NAMES
        if alias.name == "*":
            yield Finding("import", node.lineno, f"imports {path}")
        elif not whole and not _is_idle(source, path, alias):
            yield from library_path(path, node.lineno)


def _is_idle(source: Source, path: str, alias: ast.alias) -> bool:
    """Whether an import brings in what is known to be harmless unless it is read, and nothing reads it."""
    name = alias.asname or alias.name.partition(".")[0]
    return path.partition(".")[0] in IDLE_IMPORTS and name not in source.read


def _name(source: Source, node: ast.Name, name: str) -> Iterator[Finding]:
    if isinstance(node.ctx, ast.Load):
        parent = source.parents[node]
        if name in DYNAMIC and not (name == "getattr" and isinstance(parent, ast.Call) and parent.func is node):
            yield Finding("dynamic_code", node.lineno, f"{name}()")
        elif name == "open" and not _writes_a_source(source, parent, node):
            yield Finding("files", node.lineno, "open()")
        elif name in ("chr", "bytes", "bytearray"):
            yield Finding("hidden_source", node.lineno, f"{name}()")
        elif name == "id":
            yield Finding("cache_key", node.lineno, "id()")
        elif name == "type" and not _asks_for_type(source, parent, node):
            yield Finding("dynamic_code", node.lineno, "type() for more than to compare or to name one")
        if is_dunder(name) and name not in HARMLESS_DUNDERS:
            yield Finding("introspection", node.lineno, name)


def _writes_a_source(source: Source, call: ast.AST, node: ast.Name) -> bool:
    """Whether it is ``open(path, "w")`` where things are built, not where forward comes to: nothing is read."""
    if not isinstance(call, ast.Call) or call.func is not node or not 1 <= len(call.args) <= 2:
        return False
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    mode = call.args[1] if len(call.args) == 2 else named.pop("mode", None)
    writes = isinstance(mode, ast.Constant) and mode.value in ("w", "wt", "x")
    return writes and named.keys() <= {"encoding", "newline"} and node not in source.reached


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


def _only_shown(source: Source, node: ast.Attribute) -> bool:
    """Whether it is ``"{name}".format(**self.__dict__)``, as torch's own layers show themselves."""
    if node.attr != "__dict__":
        return False
    keyword = source.parents[node]
    call = source.parents[keyword]
    match keyword, call:
        case ast.keyword(arg=None), ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return dotted(node.value) == "self" and not any(c in text for c in ".[!")
    return False


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


def _getattr(source: Source, owner: ast.expr, name: ast.expr, own: set[str]) -> Iterator[Finding]:
    """A literal name is as good as an attribute; of another one, what it starts with has to rule out the bad ones."""
    path, line = source.path(owner), owner.lineno
    for literal in _literals(source, name):
        yield from _getattr(source, owner, literal, own)
    if _literals(source, name):
        return
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        yield from attribute(f"{path}.{name.value}" if path else "", name.value, line)
        if not path and is_private(name.value) and not _is_own_private(owner, name.value, own):
            yield Finding("private_api", line, f".{name.value}, which this module does not define")
        return
    start = _start(name)
    chooses = dotted(owner).removeprefix("self.") in source.extensions  # among an extension's functions
    bad = () if chooses else (n for n in BY_ATTRIBUTE if n.startswith(start))
    if path or not start[:1].isalpha() or any(bad):
        yield Finding("dynamic_code", line, f"getattr({dotted(owner) or '...'}, {ast.unparse(name)[:60]})")


def _literals(source: Source, name: ast.expr) -> list[ast.expr]:
    """Return the texts that a name stands for which only goes over written out ones; none of any other name."""
    found: list[ast.expr] = []
    if not isinstance(name, ast.Name):
        return found
    for node in source.nodes:
        if _scope(source, node) is not _scope(source, name) and not isinstance(node, ast.Global | ast.Nonlocal):
            continue
        match node:
            case ast.For(target=ast.Name() as target, iter=ast.Tuple(elts=texts) | ast.List(elts=texts)) | (
                ast.comprehension(target=ast.Name() as target, iter=ast.Tuple(elts=texts) | ast.List(elts=texts))
            ) if target.id == name.id:
                found += texts
            case _ if name.id in bound_names(node) and not _goes_over_texts(source, node):
                return []
    written = all(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in found)
    return found if written else []


def _scope(source: Source, node: ast.AST) -> ast.AST | None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return next((a for a in source.ancestors(node) if isinstance(a, functions)), None)


def _goes_over_texts(source: Source, node: ast.AST) -> bool:
    """Whether a name is bound as the target of such a loop, which is looked at by itself."""
    match source.parents[node]:
        case ast.For(target=target, iter=texts) | ast.comprehension(target=target, iter=texts):
            return target is node and isinstance(texts, ast.Tuple | ast.List)
    return False


def _start(text: ast.expr) -> str:
    """Return what a text that is put together starts with, as far as it is written out."""
    match text:
        case ast.Constant(value=str(value)):
            return value
        case ast.BinOp(left=left, op=ast.Add()):
            return _start(left)
        case ast.BinOp(left=left, op=ast.Mod()):
            return _start(left).partition("%")[0]
        case ast.JoinedStr(values=[first, *_]):
            return _start(first)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return _start(value).partition("{")[0]
    return ""


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
    """Return the private names that the module itself defines, and where torch's modules hold their tensors."""
    names = {"_parameters", "_buffers", "_modules", "_flat_weights"}
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
