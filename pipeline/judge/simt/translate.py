"""Rewrites CUDA C++ to C++: launches and shared memory; all else is C++ already, given the right headers.

Every rewritten piece stays on its line, so the compiler's messages and the runtime's faults name the candidate's own
lines. Positions come from a syntax tree, never from text matching, except inside macros, whose bodies the grammar
leaves opaque and which are parsed on their own.
"""

import re
from dataclasses import dataclass
from functools import cache

import tree_sitter

from pipeline.judge.cuda_syntax import Node, language, parsed
from pipeline.judge.simt import features
from pipeline.judge.simt.errors import Unsupported

_PATTERNS = """
(call_expression (kernel_call_syntax)) @launch
(call_expression function: (identifier) @call)
(declaration (type_qualifier "__shared__")) @shared
(preproc_include path: (_) @header) @include
(preproc_arg) @macro
(storage_class_specifier "thread_local") @thread_local
(function_definition (launch_bounds)) @bounded
(comment) @blank
(string_literal) @blank
(raw_string_literal) @blank
"""
_LAUNCH_FUNCTIONS = {b"cudaLaunchKernel": b"launch_kernel", b"cudaLaunchCooperativeKernel": b"launch_together"}
_ATTRIBUTE = b"cudaFuncSetAttribute"
NESTED_LAUNCH = "dynamic parallelism"
_DEVICE = frozenset({"__global__", "__device__"})
# Alignment asked for a shared array; every array has 16 bytes here, and the grammar trips over __align__.
_ALIGN = rb"\b(__align__|alignas)\s*\((?:[^()]|\([^()]*\))*\)"
_ALIGNMENT = re.compile(rb"(?<=__shared__)\s+%s|%s(?=\s*(extern\s+|static\s+)?__shared__)" % (_ALIGN, _ALIGN))
_KERNELS = re.compile(rb"\b__global__\b[^;{}]*")


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: bytes


@cache
def _query() -> tree_sitter.Query:
    return tree_sitter.Query(language(), _PATTERNS)


def translate(source: str) -> str:
    """Return C++ with as many lines as ``source``.

    Raises:
        Unsupported: the source uses what this backend does not have.
    """
    raw = source.encode(errors="replace")
    raw = _ALIGNMENT.sub(lambda m: _blank(m[0]), raw)
    nodes = _find(raw)
    code = _without(raw, nodes.get("blank", []) + nodes.get("include", []))
    construct = features.unsupported_name(code.decode(errors="replace"))
    if construct:
        raise Unsupported(construct)
    edits = [edit for node in nodes.get("include", []) for edit in _include(node)]
    edits += [_shared(node) for node in nodes.get("shared", [])]
    edits += [_thread_local(node) for node in nodes.get("thread_local", [])]
    edits += [edit for node in nodes.get("bounded", []) for edit in _bounded(node)]
    kernels = {name for head in _KERNELS.findall(code) for name in re.findall(rb"(\w+)\s*\(", head)}
    edits += [edit for node in nodes.get("launch", []) for edit in _launch(node, kernels)]
    edits += [_attribute(n) for n in nodes.get("call", []) if _bytes(n) == _ATTRIBUTE and _of_a_pointer(n, kernels)]
    edits += [_launch_function(n) for n in nodes.get("call", []) if _bytes(n) in _LAUNCH_FUNCTIONS]
    edits += [
        _Edit(n.start_byte, n.end_byte, _macro(_bytes(n), kernels))
        for n in nodes.get("macro", [])
        if b"<<<" in _bytes(n)
    ]
    return _apply(raw, edits).decode(errors="replace")


def code_only(source: str) -> str:
    """Return ``source`` with comments and string literals blanked."""
    raw = source.encode(errors="replace")
    return _without(raw, _find(raw).get("blank", [])).decode(errors="replace")


def _find(raw: bytes) -> dict[str, list[Node]]:
    return tree_sitter.QueryCursor(_query()).captures(parsed(raw))


def _bytes(node: Node | None) -> bytes:
    return node.text or b"" if node else b""


def _without(raw: bytes, nodes: list[Node]) -> bytes:
    return _apply(raw, [_Edit(n.start_byte, n.end_byte, _blank(_bytes(n))) for n in nodes])


def _blank(text: bytes) -> bytes:
    return re.sub(rb"[^\n]", b" ", text)


def _apply(raw: bytes, edits: list[_Edit]) -> bytes:
    """Apply edits; of nested ones the outer wins and must have dealt with the inner itself."""
    pieces, position = [], 0
    for edit in sorted(edits, key=lambda e: (e.start, -e.end)):
        if edit.start >= position:
            pieces += [raw[position : edit.start], edit.text]
            position = edit.end
    return b"".join([*pieces, raw[position:]])


def _include(node: Node) -> list[_Edit]:
    header = _bytes(node.child_by_field_name("path")).decode(errors="replace").strip('<>"')
    if header.startswith("/") or ".." in header:
        raise Unsupported("a header outside of the include paths")
    return [_Edit(node.start_byte, node.end_byte, _blank(_bytes(node)))] if features.is_known_header(header) else []


def _thread_local(specifier: Node) -> _Edit:
    """``thread_local`` to ``static``, unless that or ``extern`` stands there: one thread is all that runs host code.

    What is kept in such a variable between calls is looked at like all that is static.
    """
    beside = specifier.parent.children if specifier.parent is not None else []
    kinds = {_bytes(child) for child in beside if child.type == "storage_class_specifier"}
    return _Edit(specifier.start_byte, specifier.end_byte, b"" if kinds & {b"static", b"extern"} else b"static")


def _bounded(function: Node) -> list[_Edit]:
    """``__launch_bounds__(n) void k() {`` to ``... { simt::within_bounds(line, n);``: a GPU launches no more."""
    bounds = next(child for child in function.children if child.type == "launch_bounds")
    body = function.child_by_field_name("body")
    if body is None or body.type != "compound_statement":
        return []
    given = b" ".join(_bytes(bounds).removeprefix(b"__launch_bounds__").strip().removeprefix(b"(").split())
    text = b" simt::within_bounds(%d, %s;" % (bounds.start_point[0] + 1, given)
    return [_Edit(body.start_byte + 1, body.start_byte + 1, text)]


def _launch(node: Node, kernels: set[bytes]) -> list[_Edit]:
    """``k<T><<<g, b>>>(x)`` to ``simt::Launch("k<T>", line, g, b)([&](auto... a) { k<T>(a...); }, x)``.

    Where the name is none of ``kernels``, it is that of a pointer or of a macro's argument, and the launch says so.
    The arguments' own text is left alone, so launches nested in it (there are none in practice) would survive.
    """
    syntax = next(child for child in node.children if child.type == "kernel_call_syntax")
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None:
        return []
    if _in_device_code(node):
        raise Unsupported(NESTED_LAUNCH)
    name = b" ".join(_bytes(function).split())
    lines = b"\n" * _bytes(function).count(b"\n")
    quoted = _quoted(name)
    configuration = _bytes(syntax).removeprefix(b"<<<").removesuffix(b">>>")
    line = node.start_point[0] + 1
    pointer = b"" if name.partition(b"<")[0].split(b"::")[-1].strip() in kernels else b".by_pointer()"
    head = b'simt::Launch("%s", %d, %s%s)%s(' % (quoted, line, lines, configuration, pointer)
    edits = [_Edit(node.start_byte, arguments.start_byte + 1, head + _called(name, arguments))]
    edits += [_Edit(a.start_byte, a.end_byte, b"nullptr") for a in arguments.named_children if _bytes(a) == b"NULL"]
    edits += [_Edit(a.start_byte, a.end_byte, b"0" + b"\n" * _bytes(a).count(b"\n")) for a in _braced(arguments)]
    return edits


def _called(name: bytes, arguments: Node) -> bytes:
    """Return the function of a launch's arguments that calls the kernel; one in braces has no type before it does."""
    braced = _braced(arguments)
    if not braced:
        comma = b", " if arguments.named_child_count else b""
        return b"[&](auto... simt_a) SIMT_UNCHECKED { SIMT_BODY_BEGINS %s(simt_a...); }%s" % (name, comma)
    given = [child for child in arguments.named_children if child.type != "comment"]
    taken = b", ".join(b"auto simt_%d" % index for index in range(len(given)))
    passed = (b" ".join(_bytes(a).split()) if a in braced else b"simt_%d" % i for i, a in enumerate(given))
    return b"[&](%s) SIMT_UNCHECKED { SIMT_BODY_BEGINS %s(%s); }, " % (taken, name, b", ".join(passed))


def _braced(arguments: Node) -> list[Node]:
    return [child for child in arguments.named_children if child.type == "initializer_list"]


def _quoted(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _of_a_pointer(function: Node, kernels: set[bytes]) -> bool:
    """Whether cudaFuncSetAttribute's first argument names no kernel."""
    arguments = function.next_named_sibling
    first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    return kernels.isdisjoint(re.findall(rb"\w+", _bytes(first)))


def _attribute(function: Node) -> _Edit:
    return _Edit(function.start_byte, function.end_byte, b"simt::set_attribute_by_pointer")


def _launch_function(function: Node) -> _Edit:
    """``cudaLaunchKernel((void*)k<T>, ...`` to ``simt::launch_kernel("k<T>", line, k<T>, ...``: casts hide types."""
    arguments = function.next_named_sibling
    given = kernel = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    while kernel is not None and kernel.type not in ("identifier", "template_function", "qualified_identifier"):
        if kernel.type == "call_expression":  # reinterpret_cast<void*>(k)
            kernel = kernel.child_by_field_name("arguments")
        elif kernel.type in ("argument_list", "parenthesized_expression") and kernel.named_children:
            kernel = kernel.named_children[0]
        else:
            kernel = kernel.child_by_field_name("value") or kernel.child_by_field_name("argument")
    if given is None or kernel is None:
        raise Unsupported("this form of cudaLaunchKernel")
    name = b" ".join(_bytes(kernel).split())
    lines = b"\n" * (given.end_point[0] - function.start_point[0])
    called = _LAUNCH_FUNCTIONS[_bytes(function)]
    head = b'simt::%s("%s", %d, %s%s' % (called, _quoted(name), function.start_point[0] + 1, name, lines)
    return _Edit(function.start_byte, given.end_byte, head)


def _in_device_code(node: Node) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.type == "function_definition":
            kinds = {child.type for child in parent.children}
            return bool(kinds & _DEVICE) and "__host__" not in kinds
        parent = parent.parent
    return False


def _macro(body: bytes, kernels: set[bytes]) -> bytes:
    """Translate the launches in a macro's body; its line is that of the macro's use."""
    flat = body.replace(b"\\\n", b" \n")
    prefix = b"void f() { "
    nodes = _find(prefix + flat + b"; }")
    edits = [edit for node in nodes.get("launch", []) for edit in _launch(node, kernels)]
    text = _apply(prefix + flat + b"; }", edits)[len(prefix) : -len(b"; }")]
    text = re.sub(rb'(simt::Launch\(".*?"), \d+', rb"\1, __LINE__", text)
    return text.replace(b"\n", b"\\\n") if b"\n" in body else text


def _shared(node: Node) -> _Edit:
    """``__shared__ T a[N];`` to a reference into memory that the runtime owns, ``extern`` ones to a pointer."""
    dynamic = any(c.type == "storage_class_specifier" and _bytes(c) == b"extern" for c in node.children)
    in_function = _encloses_function(node)
    declarators = node.children_by_field_name("declarator")
    first = declarators[0].start_byte if declarators else node.end_byte
    base = b" ".join(
        _bytes(child)
        for child in node.children
        if child.end_byte <= first and child.type != "storage_class_specifier" and _bytes(child) != b"__shared__"
    )
    line = node.start_point[0] + 1
    parts = [_declare(base, declarator, line, dynamic, in_function) for declarator in declarators]
    text = b" ".join(parts)
    return _Edit(node.start_byte, node.end_byte, text + b"\n" * (_bytes(node).count(b"\n") - text.count(b"\n")))


def _declare(base: bytes, declarator: Node, line: int, dynamic: bool, in_function: bool) -> bytes:
    name = declarator
    while name.type != "identifier":
        inner = name.child_by_field_name("declarator") or next((c for c in name.named_children), None)
        if inner is None:
            raise Unsupported("this form of __shared__ declaration")
        name = inner
    text, identifier = _bytes(declarator), _bytes(name)
    before = text[: name.start_byte - declarator.start_byte]
    after = text[name.end_byte - declarator.start_byte :]
    if dynamic:
        rest = re.sub(rb"^\s*\[\s*\]", b"", after)
        pointer = b"%s%s (*%s)%s" % (base, before, identifier, rest)
        if in_function:
            return b"%s = (%s%s (*)%s)simt::simt_dynamic_shared;" % (pointer, base, before, rest)
        as_reference = pointer.replace(b"(*%s)" % identifier, b"(*&%s)" % identifier)
        return b"static %s = (%s%s (*&)%s)simt::simt_dynamic_shared;" % (as_reference, base, before, rest)
    if not in_function:
        raise Unsupported("__shared__ at namespace scope")
    return (
        b'static simt::SharedSlot simt_%(n)s{"%(n)s", %(line)d}; typedef %(base)s %(before)ssimt_%(n)s_t%(after)s; '
        b"auto& %(n)s = simt::shared<simt_%(n)s_t>(simt_%(n)s);"
    ) % {b"n": identifier, b"line": line, b"base": base, b"before": before, b"after": after}


def _encloses_function(node: Node) -> bool:
    parent = node.parent
    while parent is not None and parent.type not in (
        "function_definition",
        "lambda_expression",
        "compound_statement",
    ):
        parent = parent.parent
    return parent is not None
