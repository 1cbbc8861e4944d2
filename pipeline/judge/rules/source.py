"""A candidate's module as the rules see it: its nodes, what its names stand for, what forward reaches."""

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from string import Formatter
from typing import Any

from pipeline.judge.rules.attributes import is_dunder

_MODULES = frozenset({"torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.modules", "torch.nn.utils"})
_MODULES |= {"torch.cuda", "torch.utils", "torch.utils.cpp_extension", "torch.autograd", "torch.backends"}
_MODULES |= {
    "torch.linalg",
    "torch.special",
    "torch.fft",
    "torch.amp",
    "torch.cuda.amp",
    "torch.random",
    "os.path",
    "collections.abc",
}
_MUTE = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
LOGGER = "logging.Logger"  # what a name stands for that is given what logging.getLogger returns
_MODULES |= {LOGGER}  # neither is passed on
_LIBRARY = re.compile(r"\bTORCH_LIBRARY(?:_FRAGMENT)?\s*\(\s*(\w+)")
_OF_TORCH = frozenset(
    """aten prim prims inductor quantized quantized_decomposed c10d _c10d_functional symm_mem mkldnn mkl onednn sparse
    higher_order profiler rngprims debugprims static_runtime cuda cpu""".split()  # noqa: SIM905
)
_BUILDERS = "torch.utils.cpp_extension."


def _kinds(kind: type[ast.AST]) -> Iterator[type[ast.AST]]:
    if kind not in _MUTE:
        yield kind
        for narrower in kind.__subclasses__():
            yield from _kinds(narrower)


_TELLING = frozenset(_kinds(ast.AST))  # exactly these types: ``isinstance`` of so many costs a third of the rules


class Source:
    """One parsed module.

    Attributes:
        names: what names stand for, ``{"F": "torch.nn.functional"}``; assignments like ``T = torch`` included.
        nodes: all nodes but those under ``if __name__ == "__main__"`` at the top and in functions that are mentioned
            nowhere else, which never run here (a module that gives itself another name is rejected), and what says
            nothing by itself: numbers (a module may hold tables of thousands), operators, whether a name is read or
            set.
        ambiguous: lines and names that stand for several things of libraries.
        parents: the node that each of ``nodes`` is part of.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents: dict[ast.AST, ast.AST] = {}
        self._children: dict[ast.AST, list[ast.AST]] = {}
        self._idle: set[ast.AST] = set()
        self.nodes = list(self._walk(tree))
        if idle := self._for_main_alone():
            self._idle = idle
            self.nodes = list(self._walk(tree))
        self.ambiguous: list[tuple[int, str]] = []
        self.names = self._library_names()

    def path(self, node: ast.AST) -> str:
        """Return the full path of something of a library, ``torch.nn.Linear``; an empty string for all else."""
        root, dot, rest = dotted(node).partition(".")
        return self.names[root] + dot + rest if root in self.names else ""

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what the node is part of, the innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    @cached_property
    def extensions(self) -> set[str]:
        """The names, also of self's attributes, that hold an extension as ``load_inline`` or ``load`` returned it."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Assign):
                built = isinstance(node.value, ast.Call) and self.path(node.value.func).startswith(_BUILDERS)
                if built or dotted(node.value) in found:
                    found |= {dotted(target).removeprefix("self.") for target in node.targets}
        return found - {""}

    @cached_property
    def operators(self) -> set[str]:
        """The namespaces of operators that the module defines itself, in Python or in C++."""
        found: set[str] = set()
        for node in self.nodes:
            match node:
                case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
                    if self.path(function) == "torch.library.custom_op":
                        found.add(name.partition("::")[0])
                case ast.Constant(value=str(text)) if "TORCH_LIBRARY" in text:
                    found.update(_LIBRARY.findall(text))
        return found - _OF_TORCH

    @cached_property
    def read(self) -> set[str]:
        """The names that occur other than where something is imported or defined under them."""
        return {node.id for node in self.nodes if isinstance(node, ast.Name)}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The module's classes by name."""
        return {node.name: node for node in self.nodes if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, list[ast.FunctionDef]]:
        """The module's functions and methods by name."""
        found: dict[str, list[ast.FunctionDef]] = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
        return found

    @cached_property
    def reached(self) -> list[ast.AST]:
        """The nodes of all functions that ModelNew's forward may come to, found by their names."""
        ours = self._classes_of_the_answer()
        waiting: list[ast.AST] = [f for f in self.functions.get("forward", []) if self._owner(f) in ours]
        seen: set[ast.AST] = set(waiting)
        nodes: list[ast.AST] = []
        while waiting:
            for node in self._walk(waiting.pop()):
                nodes.append(node)
                name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
                methods = self.classes[name].body if name in self.classes else []
                called = [f for f in self.functions.get(name, []) if self._owner(f) in (None, *ours)]
                for function in (*(m for m in methods if isinstance(m, ast.FunctionDef)), *called):
                    if function not in seen and function.name != "__init__":
                        seen.add(function)
                        waiting.append(function)
        return nodes

    def _classes_of_the_answer(self) -> set[str]:
        """Return the classes that ModelNew inherits from, makes or mentions, and so on."""
        found: set[str] = set()
        waiting = {"ModelNew"} & self.classes.keys()
        while waiting:
            name = waiting.pop()
            found.add(name)
            mentioned = {node.id for node in self._walk(self.classes[name]) if isinstance(node, ast.Name)}
            waiting |= mentioned & self.classes.keys() - found
        return found

    def _owner(self, function: ast.FunctionDef) -> str | None:
        """Return the class whose method it is, None for a function."""
        owner = self.parents.get(function)
        return owner.name if isinstance(owner, ast.ClassDef) else None

    def _walk(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield a node and what is below it, what comes first in the source first; note the parents."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            yield node
            hidden = node.body if isinstance(node, ast.If | ast.FunctionDef) and self._never_runs(node) else []
            children = self._children.get(node)
            if children is None:
                children = self._children[node] = telling_children(node)
                for child in children:
                    self.parents[child] = node
            waiting += [child for child in reversed(children) if child not in hidden] if hidden else children[::-1]

    def _never_runs(self, node: ast.If | ast.FunctionDef) -> bool:
        if isinstance(node, ast.FunctionDef):
            return node in self._idle
        return is_main_guard(node.test) and isinstance(self.parents.get(node), ast.Module)

    def _for_main_alone(self) -> set[ast.AST]:
        """Return the module's functions that are mentioned under its main guard, and by name nowhere else but there.

        What they call counts as mentioned where they stand, but for one another.
        """
        guards = [node for node in self.tree.body if isinstance(node, ast.If) and self._never_runs(node)]
        wanted = {part.id for guard in guards for part in ast.walk(guard) if isinstance(part, ast.Name)}
        found = {f for f in self.tree.body if isinstance(f, ast.FunctionDef) and not f.decorator_list}
        waiting = {f for f in found if f.name in wanted}
        idle: set[ast.AST] = set()
        while waiting:
            idle |= waiting
            called = {part.id for f in waiting for part in ast.walk(f) if isinstance(part, ast.Name)}
            waiting = {f for f in found - idle if f.name in called}
        while idle:
            within = {part for f in idle if isinstance(f, ast.FunctionDef) for s in f.body for part in self._walk(s)}
            told = {name for node in self.nodes if node not in within for name in _mentioned(node)}
            mentioned = {f for f in idle if isinstance(f, ast.FunctionDef) and (f.name in told or is_dunder(f.name))}
            if not mentioned:
                break
            idle -= mentioned
        return idle

    def _library_names(self) -> dict[str, str]:
        self.names = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.split(".")[0]
                    self._means(alias.asname or root, alias.name if alias.asname else root, node)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self._means(alias.asname or alias.name, f"{node.module}.{alias.name}", node)
        for node in self.nodes:
            if isinstance(node, ast.Assign) and (path := self._value(node.value)):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self._means(target.id, path, node)
        return self.names

    def _value(self, node: ast.expr) -> str:
        if isinstance(node, ast.Call) and self.path(node.func) == "logging.getLogger":
            return LOGGER
        return self.path(node)

    def _means(self, name: str, path: str, node: ast.stmt) -> None:
        """Note what a name stands for; that some name stands for a module here and for something else there, too."""
        before = self.names.get(name, path)
        if before != path and (is_module(before) or is_module(path)):
            self.ambiguous.append((node.lineno, name))
        self.names[name] = path


def _mentioned(node: ast.AST) -> tuple[str, ...]:
    """Return the name that a node reads, sets or looks up; a text may be one."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return (name,)
    return ()


def telling_children(node: ast.AST) -> list[ast.AST]:
    """Return the children of a node that may say something; see ``Source.nodes``."""
    found: list[Any] = []
    for name in node._fields:
        value: Any = getattr(node, name, None)
        for item in value if isinstance(value, list) else (value,):
            kind = type(item)
            if kind in _TELLING and (kind is not ast.Constant or isinstance(item.value, str)):
                found.append(item)
    return found


def bound_names(node: ast.AST) -> list[str]:
    """Return the names that a node itself binds: assigned, defined, imported, matched, an argument's."""
    name: str | None = None
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            pass
        case ast.arg(arg=name) | ast.MatchMapping(rest=name):
            pass
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            pass
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            pass
        case ast.alias():
            name = node.asname or node.name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
    return [] if name is None else [name]


def formatted_attributes(text: str) -> list[str]:
    """Return the attributes that a format string looks up; none of a text that is no format string."""
    if "{" not in text or "." not in text:
        return []
    try:
        fields = [field for _, field, _, _ in Formatter().parse(text) if field]
    except ValueError:
        return []
    return [part.partition("[")[0] for field in fields for part in field.split(".")[1:]]


def is_module(path: str) -> bool:
    """Whether a library's path is that of a module, as far as candidates may know any."""
    return "." not in path or path in _MODULES


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` of a chain of attributes on a name, an empty string of anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def is_main_guard(test: ast.expr) -> bool:
    """Whether a condition asks whether the module is the program itself."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
    return False
