"""May threads of a kernel meet at one address, or host code and kernels? Then every access is to be watched.

A race can hide from every order of threads; and where host code has loops, arrays or numbers made pointers, it may
compute what a kernel only copies. Read off the syntax tree, and only to spare other kernels an instrumented run: a
wrong yes costs time.
"""

from collections.abc import Iterable, Iterator, Sequence

from pipeline.judge.cuda_syntax import Node, descendants, every_node, parsed, text_of

_DEVICE = frozenset({"__global__", "__device__"})
_BEYOND_LAUNCHING = frozenset(
    {"for_statement", "for_range_loop", "while_statement", "do_statement", "array_declarator", "new_expression"}
)
_ALLOCATING = frozenset(
    """malloc calloc realloc alloca aligned_alloc transform for_each generate accumulate copy sort fill iota memcpy
    cudaGetSymbolAddress""".split()  # noqa: SIM905
)
_DEVICES_OWN = frozenset({"__device__", "__managed__"})
_PARTS = ("parenthesized_expression", "field_expression", "subscript_expression")


def may_share(cuda: str) -> bool:
    """Return whether device code has shared memory, or changes other memory by what was in it before.

    That is ``p[i] += v``, ``++*p``, ``p[i] = p[i] + v`` or the like of a reference, where ``p`` is no array of the
    function's own; or ``v = p[i]`` and ``p[i] = w`` anywhere in one function, or through pointers made of ``p``.
    """
    if "__shared__" in cuda:
        return True
    for function in every_node(cuda):
        if function.type == "function_definition" and {child.type for child in function.children} & _DEVICE:
            nodes = [(node, node.type) for node in descendants(function)]
            arrays, references = (
                {_name(node) for node, kind in nodes if kind == wanted}
                for wanted in ("array_declarator", "reference_declarator")
            )
            changing = [node for node, kind in nodes if kind in ("update_expression", "assignment_expression")]
            if any(_changes_memory(node, arrays, references) for node in changing) or _reads_what_it_writes(
                nodes, arrays
            ):
                return True
    return False


def host_may_reach(cuda: str) -> bool:
    """Return whether host code could do more than to launch: loops, memory of its own, numbers made pointers.

    Or could read the device's variables, which lie where no guard is; macros and what runs on both are host code too.
    """
    nodes = every_node(cuda)
    tops = [node for node in nodes if node.type == "declaration" and _is_top(node)]
    if any(map(_is_host_variable, tops)):
        return True
    devices_own = (part for node in tops if _words(node) & _DEVICES_OWN for part in descendants(node))
    watched = {text_of(part) for part in devices_own if part.type == "identifier"} | _macros_that_reach(nodes)
    for node in nodes:
        if node.type != "function_definition":
            continue
        kinds = {child.type for child in node.children}
        if kinds & _DEVICE and "__host__" not in kinds:
            continue
        for part in descendants(node.child_by_field_name("body")):
            named = bool(watched) and part.type == "identifier" and text_of(part) in watched
            if _reaches(part) or (named and not _is_copied(part)):
                return True
    return False


def _macros_that_reach(nodes: Sequence[Node]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if node.type in ("preproc_def", "preproc_function_def"):
            body = text_of(node.child_by_field_name("value")).replace("\\\n", " \n")
            if any(map(_reaches, descendants(parsed(f"void f() {{ {body}; }}")))):
                found.add(text_of(node.child_by_field_name("name")))
    return found


def _is_copied(name: Node) -> bool:
    """Whether a device's variable is named to one of the functions that copy to or from it."""
    arguments = name.parent
    call = None if arguments is None else arguments.parent
    function = "" if call is None else text_of(call.child_by_field_name("function"))
    return function.startswith(("cudaMemcpyToSymbol", "cudaMemcpyFromSymbol"))


def _is_top(node: Node) -> bool:
    parent = node.parent
    while parent is not None and parent.type not in ("function_definition", "lambda_expression"):
        parent = parent.parent
    return parent is None


def _words(node: Node) -> set[str]:
    return set(text_of(node).replace("(", " ").split())


def _is_host_variable(node: Node) -> bool:
    """Whether a declaration at the top is that of a variable that host code can change."""
    if _words(node) & {
        "__device__",
        "__constant__",
        "__shared__",
        "const",
        "constexpr",
        "__managed__",
        "using",
        "typedef",
    }:
        return False
    return not any(part.type == "function_declarator" for part in descendants(node))


def _reaches(node: Node) -> bool:
    if node.type in _BEYOND_LAUNCHING:
        return True
    if node.type == "subscript_expression":
        return node.named_children[0].type == "identifier"
    if node.type == "pointer_expression":
        return text_of(node).startswith("*")
    if node.type == "template_type":
        text = text_of(node)
        return text.startswith(("vector", "array", "unique_ptr")) and not ("Tensor" in text or "int64_t" in text)
    if node.type == "call_expression":
        name = text_of(node.child_by_field_name("function")).removeprefix("std::")
        arguments = node.child_by_field_name("arguments")
        plain = arguments is not None and [a.type for a in arguments.named_children] == ["identifier"]
        return name in _ALLOCATING or (name.startswith("reinterpret_cast") and plain)
    return node.type == "cast_expression" and "*" in text_of(node.child_by_field_name("type")) and _casts_name(node)


def _casts_name(node: Node) -> bool:
    value = node.child_by_field_name("value")
    return value is not None and value.type == "identifier"


def _changes_memory(node: Node, arrays: set[str], references: set[str]) -> bool:
    if node.type == "update_expression":
        target, again = node.child_by_field_name("argument"), True
    elif node.type == "assignment_expression":
        target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        compound = text_of(node.child_by_field_name("operator")) != "="
        again = compound or text_of(target) in {text_of(part) for part in descendants(value)}
    else:
        return False
    return again and target is not None and _reachable(target, arrays, references)


def _reachable(target: Node, arrays: set[str], references: set[str]) -> bool:
    """Whether other threads may reach what is assigned to."""
    place: Node | None = target
    while place is not None and place.type in _PARTS:
        inner = place.child_by_field_name("argument") or place.named_children[0]
        if place.type == "subscript_expression" and inner.type == "identifier":
            return text_of(inner) not in arrays
        place = inner
    if place is None or place.type == "identifier":
        return text_of(place) in references
    return True


def _reads_what_it_writes(nodes: Sequence[tuple[Node, str]], arrays: set[str]) -> bool:
    """Whether memory that one pointer leads to is both read and written; atomic operations are neither."""
    aliases = dict(_aliases(node for node, kind in nodes if kind == "init_declarator"))
    read: set[str] = set()
    written: set[str] = set()
    for node, kind in nodes:
        if kind not in ("subscript_expression", "pointer_expression") or text_of(node).startswith("&"):
            continue
        if (root := _root(node)) and root not in arrays and not _is_address(node):
            (written if _is_target(node) else read).add(_followed(root, aliases))
    return not read.isdisjoint(written)


def _aliases(declarations: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """Yield (pointer, what it was made of) of declarations like ``float* p = q + 4``."""
    for node in declarations:
        declarator, value = (node.child_by_field_name(field) for field in ("declarator", "value"))
        if declarator is None or value is None:
            continue
        if declarator.type == "pointer_declarator":
            names = [text_of(part) for part in descendants(value) if part.type == "identifier"]
            if names:
                yield _name(declarator), names[0]


def _followed(name: str, aliases: dict[str, str]) -> str:
    for _ in aliases:
        name = aliases.get(name, name)
    return name


def _root(node: Node) -> str:
    """Return the pointer that is read or written through: the first name in ``p[i]``, ``*(p + 1)``, ``(*p).x``."""
    first = node.child_by_field_name("argument") or node.named_children[0]
    return _name(first)


def _is_target(node: Node) -> bool:
    """Whether a place is what is assigned to, or part of it."""
    inner, outer = node, node.parent
    while outer is not None and outer.type in _PARTS and outer.named_children[0] == inner:
        inner, outer = outer, outer.parent
    return outer is not None and outer.type == "assignment_expression" and outer.child_by_field_name("left") == inner


def _is_address(node: Node) -> bool:
    """Whether only a place's address is taken, as for an atomic operation."""
    outer = node.parent
    while outer is not None and outer.type in _PARTS:
        outer = outer.parent
    return outer is not None and outer.type == "pointer_expression" and text_of(outer).startswith("&")


def _name(declarator: Node) -> str:
    """Return what an array or a reference is called."""
    return next((text_of(node) for node in descendants(declarator) if node.type == "identifier"), "")
