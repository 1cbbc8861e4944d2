"""Rules on CUDA and C++ sources, as they reach the compiler."""

from collections.abc import Callable, Iterator

from pipeline.judge.cuda_syntax import Node, text_of
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.native_directives import directives, pragmas
from pipeline.judge.rules.native_names import (
    ALLOCATING,
    CLOCK_FUNCTIONS,
    CLOCKS,
    CONTAINERS,
    FUNCTIONS_OUT_OF_BOUNDS,
    GRAPHS,
    HEADERS,
    JUDGED,
    KEYWORDS,
    L2_WINDOW,
    LIBRARIES,
    OPERATORS,
    OUT_OF_BOUNDS,
    PYBIND,
    PYTHON,
    SIMTS_OWN,
    STREAMS,
    THREADS,
    TORCH_NAMESPACES,
    WAITING,
)
from pipeline.judge.rules.native_platform import architecture, conditions, linkage, probes
from pipeline.judge.rules.native_source import NativeSource

FIXED_SIZE = 8  # smaller numbers in comparisons with a size are dimensions, vector widths and the like
_TYPES_OF_16_BITS = frozenset(
    {"__half", "half", "__half2", "half2", "__nv_bfloat16", "nv_bfloat16", "__nv_bfloat162"}
)
_OTHER_16_BITS = frozenset({"Half", "BFloat16", "kHalf", "kBFloat16", "kFloat16"})


def native_findings(*sources: str) -> list[Finding]:
    """Return what the rules find in the sources of one extension, in the order of the lines of each."""
    parsed = [NativeSource(source) for source in sources if source.strip()]
    found = [finding for source in parsed for rule in _RULES for finding in rule(source)]
    kernels = [(name, node) for source in parsed for name, node in source.kernels]
    if kernels and not any(source.launches for source in parsed):
        name, node = kernels[0]
        found.append(Finding("decoy_kernel", _line(node), f"no kernel is launched, {name} neither"))
    unique = list(dict.fromkeys(found))
    return sorted(unique, key=lambda f: (f.line, not f.rejects, f.rule, f.what))


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _names(source: NativeSource) -> Iterator[Finding]:
    """Names that stand for processes, files, clocks, streams, libraries, wherever they occur in code."""
    for name, node in source.identifiers:
        if node.type == "field_identifier":
            continue
        for rule, names in _BY_NAME:
            if name in names:
                yield Finding(rule, _line(node), name)
        if name.startswith(LIBRARIES):
            yield Finding("library_computes", _line(node), name)
        elif name.startswith(GRAPHS):
            yield Finding("stream", _line(node), name)
        elif name.startswith(PYTHON):
            yield Finding("native_calls", _line(node), name)
    for name, node in source.calls:
        if name in FUNCTIONS_OUT_OF_BOUNDS | CLOCK_FUNCTIONS and name not in source.defined:
            rule = "timing" if name in CLOCK_FUNCTIONS else "native_calls"
            yield Finding(rule, _line(node), f"{name}()")


def _streams(source: NativeSource) -> Iterator[Finding]:
    """Streams that nothing waits for."""
    if not {name for name, _ in source.identifiers} & WAITING:
        for name, node in source.identifiers:
            if name in STREAMS:
                yield Finding("stream", _line(node), name)


_BY_NAME = (("native_calls", OUT_OF_BOUNDS | SIMTS_OWN), ("timing", CLOCKS), ("l2_window", L2_WINDOW))


def _scoped(source: NativeSource) -> Iterator[Finding]:
    """``at::matmul``, ``torch::nn::...``, ``std::chrono``, ``py::module_::import``."""
    for path, node in source.qualified:
        root, second, last = path[0], path[1] if len(path) > 1 else "", path[-1]
        rules = {
            "library_computes": root in ("at", "torch") and (_computes(last) or second in TORCH_NAMESPACES),
            "timing": root == "std" and (second == "chrono" or second in CLOCK_FUNCTIONS),
            "files": root == "std" and second in ("filesystem", "ifstream", "ofstream", "fstream"),
            "stream": root == "std" and last in THREADS,
            "test_mode": last == "is_enabled" and bool({"GradMode", "InferenceMode"} & set(path)),
            "native_calls": (root in ("py", "pybind11") and bool(set(path) & PYBIND)),
        }
        for rule in (rule for rule, fires in rules.items() if fires):
            yield Finding(rule, _line(node), "::".join(path))


def _computes(name: str) -> bool:
    """Whether it is the name of an operator, in place or not."""
    return name in OPERATORS or name.removesuffix("_") in OPERATORS


def _methods(source: NativeSource) -> Iterator[Finding]:
    """``x.matmul(w)`` in host code, unless the source has a method of that name itself."""
    for name, node in source.method_calls:
        if name == "is_inference":
            yield Finding("test_mode", _line(node), f".{name}()")
        if _computes(name) and name not in source.defined and not source.in_device_code(node):
            yield Finding("library_computes", _line(node), f".{name}()")


def _kept(source: NativeSource) -> Iterator[Finding]:
    """Tensors, containers and memory from ``new`` in static, thread-local or global variables."""
    points = False
    for node, kinds, parts in _lasting(source):
        kind = node.child_by_field_name("type")
        kept = sorted(source.words(kind) & CONTAINERS)
        if kept and not (kinds & {"const", "constexpr"} and "Tensor" not in kept):
            yield Finding("static_cache", _line(node), f"a {kept[0]} that lives on between calls")
        points |= "pointer_declarator" in parts or text_of(kind) == "auto"
    calls = [*source.calls, *((path[-1], node) for path, node in source.qualified)]
    allocations = [*source.of_type("new_expression"), *(node for name, node in calls if name in ALLOCATING)]
    for node in allocations if points else ():
        if not source.in_device_code(node):
            yield Finding("static_cache", _line(node), "memory of the host's where a pointer lives on between calls")


def _lasting(source: NativeSource) -> Iterator[tuple[Node, set[str], set[str]]]:
    """Yield the host's declarations of static, thread-local and global variables, qualifiers and declarators."""
    for node in source.of_type("declaration"):
        kinds = {text_of(c) for c in node.children if c.type in ("storage_class_specifier", "type_qualifier")}
        at_top = source.function_of(node) is None
        parts = {part.type for d in node.children_by_field_name("declarator") for part in (d, *d.children)}
        lasts = bool(kinds & {"static", "thread_local"}) or at_top
        if lasts and "function_declarator" not in parts and not source.in_device_code(node):
            yield node, kinds, parts


def _paths(source: NativeSource) -> Iterator[Finding]:
    for node in source.of_type("try_statement"):
        yield Finding("fallback", _line(node), "a try statement: an answer must not have a second path")
    for node in source.of_type("gnu_asm_expression"):
        macro = source.macro_of(node)
        if source.uses_on_host(macro) if macro else not source.in_device_code(node):
            yield Finding("assembly", _line(node), "assembly in host code")
    for node in source.launches:
        for ancestor in source.ancestors(node):
            if ancestor.type == "if_statement" and _is_never(ancestor) and _is_inside(node, ancestor, "consequence"):
                yield Finding("dead_branch", _line(node), "a launch under a condition that never holds")


def _is_never(node: Node) -> bool:
    condition = node.child_by_field_name("condition")
    value = condition.child_by_field_name("value") if condition is not None else None
    return value is not None and text_of(value) in ("false", "0", "nullptr", "NULL")


def _is_inside(node: Node, ancestor: Node, field: str) -> bool:
    part = ancestor.child_by_field_name(field)
    return part is not None and part.start_byte <= node.start_byte < part.end_byte


def _headers(source: NativeSource) -> Iterator[Finding]:
    for node in source.of_type("preproc_include"):
        header = text_of(node.child_by_field_name("path")).strip('<>"')
        if not HEADERS.fullmatch(header):
            yield Finding("include", _line(node), header[:80])


def _macros(source: NativeSource) -> Iterator[Finding]:
    for node in (*source.of_type("preproc_def"), *source.of_type("preproc_function_def")):
        name = text_of(node.child_by_field_name("name"))
        if name in KEYWORDS and text_of(node.child_by_field_name("value")).strip():
            yield Finding("macro", _line(node), f"defines {name}")
    for name, node in source.pasted:
        if name in _NOT_TO_PASTE or name.startswith(LIBRARIES):
            yield Finding("macro", _line(node), f"pastes {name} together")


_NOT_TO_PASTE = OUT_OF_BOUNDS | FUNCTIONS_OUT_OF_BOUNDS | CLOCKS | CLOCK_FUNCTIONS | STREAMS | KEYWORDS


def _conditions(source: NativeSource) -> Iterator[Finding]:
    """Conditions that ask how a source is judged rather than for what it is compiled."""
    for kind in ("preproc_ifdef", "preproc_if", "preproc_elif", "preproc_defined"):
        for node in source.of_type(kind):
            condition = node.child_by_field_name("name") or node.child_by_field_name("condition") or node
            for name in source.words(condition) if kind != "preproc_defined" else source.words(node):
                if name.startswith(JUDGED):
                    yield Finding("macro", _line(node), f"asks for {name}")


def _recorded(source: NativeSource) -> Iterator[Finding]:
    for node in source.of_type("binary_expression"):
        operator = text_of(node.child_by_field_name("operator"))
        if operator not in ("==", "!="):
            continue
        sides = node.child_by_field_name("left"), node.child_by_field_name("right")
        numbers = [
            int(text_of(s)) for s in sides if s is not None and s.type == "number_literal" and text_of(s).isdecimal()
        ]
        asks = any(s is not None and source.words(s) & {"size", "sizes", "numel", "shape"} for s in sides)
        if asks and any(n >= FIXED_SIZE for n in numbers):
            yield Finding("fixed_shape", _line(node), text_of(node)[:80])
    used = {name for name, node in source.identifiers if node.type == "type_identifier"}
    if used & _TYPES_OF_16_BITS and not {name for name, _ in source.identifiers} & _OTHER_16_BITS:
        name, node = next((n, at) for n, at in source.identifiers if n in used & _TYPES_OF_16_BITS)
        yield Finding("reduced_precision", _line(node), f"{name} where no tensor has 16 bits")


_RULES: tuple[Callable[[NativeSource], Iterator[Finding]], ...] = (
    _names,
    _streams,
    _scoped,
    _methods,
    _kept,
    _paths,
    _headers,
    _macros,
    _conditions,
    _recorded,
    conditions,
    architecture,
    probes,
    linkage,
    directives,
    pragmas,
)
