"""One CUDA or C++ source as the rules see it: a syntax tree and what its nodes stand for."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

from pipeline.judge.cuda_syntax import Node, parsed, text_of

_IDENTIFIERS = frozenset({"identifier", "field_identifier", "type_identifier", "namespace_identifier"})
_DEVICE = frozenset({"__global__", "__device__"})


class NativeSource:
    """A parsed source. Bodies of macros, which the grammar leaves as text, are parsed on their own and belong to it.

    Attributes:
        identifiers: all names in code (comments and texts are none), with their nodes, those of macros' bodies last.
        in_macros: from which of them on.
    """

    def __init__(self, source: str) -> None:
        self._by_type: defaultdict[str, list[Node]] = defaultdict(list)
        self.identifiers: list[tuple[str, Node]] = []
        self._source = source
        self._note(parsed(source))
        self.in_macros = len(self.identifiers)
        self._macros: dict[int, tuple[Node, str]] = {}
        for node in self._by_type["preproc_arg"][:]:
            root = self._parse_macro(node)
            self._macros[root.id] = root, text_of(node.parent.child_by_field_name("name") if node.parent else None)
            self._note(root)

    @cached_property
    def code(self) -> str:
        """The source with comments and texts blank, none of whose lines is a directive; not a comment after a #."""
        raw = bytearray(self._source.encode(errors="replace"))
        for kind in ("comment", "string_literal", "raw_string_literal"):
            for node in self._by_type[kind]:
                if not self.macro_of(node) and not raw[: node.start_byte].rstrip(b" \t").endswith(b"#"):
                    blank = re.sub(rb"[^\n]", b" ", raw[node.start_byte : node.end_byte])
                    raw[node.start_byte : node.end_byte] = blank
        return raw.decode(errors="replace")

    def of_type(self, kind: str) -> list[Node]:
        """Return the nodes of a type."""
        return self._by_type[kind]

    def ancestors(self, node: Node) -> Iterator[Node]:
        """Yield what the node is part of, the innermost first."""
        while (parent := node.parent) is not None:
            yield parent
            node = parent

    def function_of(self, node: Node) -> Node | None:
        """Return the function or lambda that the node stands in."""
        kinds = ("function_definition", "lambda_expression")
        return next((a for a in self.ancestors(node) if a.type in kinds), None)

    def in_device_code(self, node: Node) -> bool:
        """Whether the node is part of something that is declared for the device."""
        for part in (node, *self.ancestors(node)):
            if part.type in ("function_definition", "declaration"):
                words = {text_of(c) if c.type == "type_qualifier" else c.type for c in part.children}
                if words & (_DEVICE | {"__constant__", "__shared__"}):
                    return True
            if "__device__" in _head(part):
                return True
        return False

    def macro_of(self, node: Node) -> str:
        """Return the name of the macro in whose body the node stands, an empty string if it stands in none."""
        root = [node, *self.ancestors(node)][-1]
        return self._macros[root.id][1] if root.id in self._macros else ""

    def uses_on_host(self, name: str) -> bool:
        """Whether a name is used in a function of the host's."""
        return any(
            name == other and self.function_of(node) is not None and not self.in_device_code(node)
            for other, node in self.identifiers[: self.in_macros]
        )

    @cached_property
    def qualified(self) -> list[tuple[list[str], Node]]:
        """Names with a scope, as lists: ``["torch", "nn", "functional", "relu"]``."""
        found = []
        for node in self.of_type("qualified_identifier"):
            if node.parent is None or node.parent.type != "qualified_identifier":
                parts = [text_of(n) for n in _walk(node) if n.type in _IDENTIFIERS and not _is_argument(n, node)]
                if parts:
                    found.append((parts, node))
        return found

    @cached_property
    def method_calls(self) -> list[tuple[str, Node]]:
        """Calls of the form ``a.b(...)`` and ``a->b(...)``: the method's name and the call."""
        found = []
        for node in self.of_type("call_expression"):
            function = node.child_by_field_name("function")
            if function is not None and function.type == "field_expression":
                field = function.child_by_field_name("field")
                name = next((text_of(n) for n in _walk(field) if n.type == "field_identifier"), "") if field else ""
                found.append((name, node))
        return found

    @cached_property
    def calls(self) -> list[tuple[str, Node]]:
        """Calls of plain functions, ``f(...)`` and ``::f(...)``: the function's name and the call."""
        found = []
        for node in self.of_type("call_expression"):
            function = node.child_by_field_name("function")
            if function is not None and function.type in ("identifier", "qualified_identifier"):
                name = text_of(function).removeprefix("::")
                if "::" not in name:
                    found.append((name, node))
        return found

    @cached_property
    def defined(self) -> set[str]:
        """The names of the functions and methods that the source itself defines (declaring is not enough)."""
        found = set()
        for node in self.of_type("function_definition"):
            for part in _walk(node.child_by_field_name("declarator") or node):
                if part.type == "function_declarator":
                    found |= {text_of(part.child_by_field_name("declarator"))}
                    break
        return found

    @cached_property
    def kernels(self) -> list[tuple[str, Node]]:
        """The ``__global__`` functions that the source defines."""
        found = []
        for node in self.of_type("function_definition"):
            if any(text_of(child) == "__global__" for child in node.children):
                name = next((text_of(n) for n in _walk(node) if n.type == "identifier"), "a kernel")
                found.append((name, node))
        return found

    @cached_property
    def launches(self) -> list[Node]:
        """The launches, ``<<<...>>>`` and the runtime's functions for it."""
        names = ("cudaLaunchKernel", "cudaLaunchCooperativeKernel", "cudaLaunchKernelEx", "cuLaunchKernel")
        calls = [node for name, node in self.identifiers if name in names and node.type == "identifier"]
        return [*self.of_type("kernel_call_syntax"), *calls]

    @cached_property
    def pasted(self) -> list[tuple[str, Node]]:
        """Names that uses of macros with ``##`` may paste together from neighbouring arguments."""
        macros = {
            text_of(node.child_by_field_name("name"))
            for node in self.of_type("preproc_function_def")
            if "##" in text_of(node.child_by_field_name("value"))
        }
        found = []
        for node in self.of_type("call_expression"):
            arguments = node.child_by_field_name("arguments")
            if text_of(node.child_by_field_name("function")) in macros and arguments is not None:
                parts = [text_of(a) for a in arguments.named_children]
                joined = ["".join(pair) for pair in pairwise(parts)] + [
                    "".join(pair[::-1]) for pair in pairwise(parts)
                ]
                found += [(name, node) for name in {*joined, "".join(parts)}]
        return found

    def words(self, node: Node | None) -> set[str]:
        """Return the names that occur in a part of the source."""
        return {text_of(n) for n in _walk(node) if n.type in _IDENTIFIERS} if node is not None else set()

    def _note(self, root: Node) -> None:
        for node in _walk(root):
            kind = node.type
            self._by_type[kind].append(node)
            if kind in _IDENTIFIERS:
                self.identifiers.append((text_of(node), node))

    def _parse_macro(self, node: Node) -> Node:
        """Parse a macro's body as statements, at its own line."""
        body = (node.text or b"").replace(b"\\\n", b" \n")
        prefix = b"\n" * node.start_point[0] + b"void f() { "
        return parsed(prefix + body + b"; }")


def _head(node: Node) -> str:
    """Return what stands before a lambda's body, which of one for the device the grammar may not be able to read."""
    if node.type == "lambda_expression":
        return text_of(node).partition("{")[0]
    before = node.prev_sibling if node.type == "compound_statement" else None
    return text_of(before) if before is not None and before.type == "ERROR" else ""


def _walk(node: Node) -> Iterator[Node]:
    """Yield a node and the named ones below it: no marks and keywords."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.named_children)


def _is_argument(node: Node, within: Node) -> bool:
    """Whether a name stands in template arguments of a qualified name rather than in the name itself."""
    while node != within and node.parent is not None:
        node = node.parent
        if node.type in ("template_argument_list", "argument_list"):
            return True
    return False
