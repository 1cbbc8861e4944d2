"""Rules on native code that asks what compiles it, where it runs, or how a program is put together.

A source that sees that it is judged can behave while it is. What an honest one asks for (CUDA's version, the
architecture in device code, how many multiprocessors there are) is not looked at; what is the same wherever it is
compiled is no secret.
"""

import re
from collections.abc import Iterator

from pipeline.judge.cuda_syntax import Node, text_of
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.native_source import NativeSource

ARCHITECTURE = "__CUDA_ARCH__"
# Names that some header of CUDA, torch, Python, C or the compiler may define.
_OF_HEADERS = re.compile(
    r"""_\w* | [a-z]\w* | \w+_H(PP)?_* | D?LOG(_IF)? | VLOG | DCHECK | EOF | CLOCKS_PER_SEC | (TH[A-Z]*|ATEN|AT|C10D?
    |CAFFE2?|PYBIND11|PY[A-Z]*|Py\w*|CUDA\w*|CUB?|NV[A-Z]*|FMT|DLPACK|THRUST|CCCL|TORCH|AOTI|GRAPH|RECORD|HANDLE|CATCH
    |END_HANDLE|JIT|STABLE|GOOGLE|PTHREAD)_\w*""",
    re.VERBOSE,
)
_NOT_OWN = re.compile(
    "_*(CUDA|NV|CU_|CUB|TORCH|PY|GLIBC|GNU|GCC|DRIVER|VECTOR|DEVICE|HOST|MATH|RUNTIME|C10|AT_|SM_|STD|STL)",
    re.IGNORECASE,
)
# Those that simt answers as nvcc does, or that neither knows.
_HARMLESS = re.compile(
    r"""__(CUDACC|NVCC|HIPCC|GNUC|GNUC_MINOR|clang|linux|x86_64|APPLE|HIP_PLATFORM_\w+|HIP_DEVICE_COMPILE)__
    | __CUDACC_(VER_(MAJOR|MINOR)|RTC)__ | __cplusplus | _WIN(32|64) | _MSC_VER | (CUDART|CUDA)_VERSION | defined
    | TORCH_VERSION_(MAJOR|MINOR) | TORCH_EXTENSION_NAME | __CUDA_ARCH__ | __CUDA_NO_(HALF2?|BFLOAT16)_\w+__""",
    re.VERBOSE,
)
# Asked for with == they pick one compiler or one GPU.
_VERSIONS = frozenset({"CUDART_VERSION", "CUDA_VERSION", "TORCH_VERSION_MINOR", "__CUDACC_VER_MINOR__"})
_OF_ONE_GPU = frozenset(
    """multiProcessorCount totalGlobalMem l2CacheSize clockRate memoryClockRate memoryBusWidth
    cudaDevAttrMultiProcessorCount cudaDevAttrL2CacheSize cudaDevAttrClockRate""".split()  # noqa: SIM905
)
_PROBES = frozenset(
    """__has_include __has_include_next __has_builtin __has_attribute __has_cpp_attribute __has_feature
    __is_identifier __PRETTY_FUNCTION__ __BASE_FILE__ __TIMESTAMP__ __DATE__ __TIME__ __INCLUDE_LEVEL__ __COUNTER__
    __builtin_FILE __builtin_LINE __builtin_FUNCTION __builtin_constant_p __builtin_types_compatible_p
    __builtin_object_size __builtin_dynamic_object_size typeid type_index source_location void_t declval is_detected
    is_invocable is_invocable_v""".split()  # noqa: SIM905
)
# Macros of simt that are none of CUDA's.
_NO_MACROS = re.compile(r"(thread|block)Idx|(block|grid)Dim|printf|__(sync|shfl|ballot|match|any|all)\w*")
_QUALIFIERS = frozenset({"__global__", "__device__", "__host__", "__constant__", "__launch_bounds__", "__noinline__"})
_LINKAGE = frozenset(
    """weak weakref alias ifunc constructor destructor section init_priority naked symver no_sanitize
    no_sanitize_address no_sanitize_thread no_sanitize_undefined interrupt optimize target target_clones
    disable_sanitizer_instrumentation""".split()  # noqa: SIM905
)
_INSIDES = ("__builtin_ia32_", "__builtin_cpu_", "_IO_")  # of the processor, of a file: clocks, registers, counts
_OPAQUE = frozenset({"Tensor", "TensorOptions", "Scalar", "Storage", "cudaDeviceProp", "TensorImpl", "Device"})
_DESCRIBING = frozenset({"cudaDeviceProp", "getCurrentDeviceProperties", "getDeviceProperties"})
_PRINTING = frozenset({"printf", "fprintf", "TORCH_CHECK", "TORCH_WARN", "AT_ERROR"})
_CONDITIONS = ("preproc_if", "preproc_ifdef", "preproc_elif", "preproc_elifdef")


def conditions(source: NativeSource) -> Iterator[Finding]:
    """Yield conditions of the preprocessor that tell one compiler from another."""
    own = {name for name in _macros(source) if not name.startswith("_") and not _NOT_OWN.match(name)}
    for kind in _CONDITIONS:
        for node in source.of_type(kind):
            for name in sorted(source.words(_condition(node))):
                foreign = _OF_HEADERS.fullmatch(name) and not _HARMLESS.fullmatch(name)
                if foreign and not (name.isupper() and name in own) and not _is_usual(source, node, name):
                    yield _finding(node, f"asks for {name}")
            for part in _walk(_condition(node)):
                if _equates(part) and source.words(part) & _VERSIONS:
                    yield _finding(node, f"asks for one version: {text_of(part)[:60]}")


def architecture(source: NativeSource) -> Iterator[Finding]:
    """Yield where host code depends on ``__CUDA_ARCH__``, which nvcc defines in device code alone."""
    tainted = {ARCHITECTURE}
    while True:
        found = tainted | _defined_by(source, tainted)
        if found == tainted:
            break
        tainted = found
    for name, node in source.identifiers[: source.in_macros]:
        if name in tainted and source.function_of(node) is not None and not source.in_device_code(node):
            yield _finding(node, f"{name} in host code, where nvcc does not define {ARCHITECTURE}")
    for node in _tainted_conditions(source, tainted):
        for function in (n for n in _walk(node) if n.type == "function_definition"):
            if not source.in_device_code(function):
                yield _finding(function, f"host code under a condition on {ARCHITECTURE}")


def probes(source: NativeSource) -> Iterator[Finding]:
    """Yield names, sizes and types that are asked for to learn what compiles the source, or what it runs on."""
    for name, node in source.identifiers:
        if name in _PROBES or name.startswith(_INSIDES):
            yield _finding(node, name)
        elif name in ("__FILE__", "__LINE__") and not _is_passed(node):
            yield _finding(node, f"{name} for more than to print it")
    for node in (*source.of_type("sizeof_expression"), *source.of_type("alignof_expression")):
        asks = any(part.type in ("call_expression", "decltype") for part in _walk(node))
        if source.words(node) & _OPAQUE or (asks and "data_ptr" not in text_of(node)):
            yield _finding(node, text_of(node)[:60])
    for node in source.of_type("decltype"):
        parts = {part.type for part in _walk(node)}
        looks = any(a.type in ("trailing_return_type", "template_parameter_list") for a in source.ancestors(node))
        if "call_expression" in parts or (looks and parts & {"comma_expression", "field_expression"}):
            yield _finding(node, f"asks for members: {text_of(node)[:60]}")
    yield from _devices(source)
    yield from _as_text(source)


def linkage(source: NativeSource) -> Iterator[Finding]:
    """Yield attributes that place, replace or start code, and assembly that stands in no function."""
    for kind in ("attribute_specifier", "attribute_declaration", "attribute"):
        for node in source.of_type(kind):
            for name in sorted({word.strip("_") for word in source.words(node)} & _LINKAGE):
                yield Finding("linkage", node.start_point[0] + 1, f"attribute {name}")


def _devices(source: NativeSource) -> Iterator[Finding]:
    """Yield comparisons with the figures of one GPU, and uses of a GPU's name."""
    figures = set(_OF_ONE_GPU)
    for node in (*source.of_type("init_declarator"), *source.of_type("assignment_expression")):
        if source.words(node) & _OF_ONE_GPU:
            figures |= {text_of(node.child_by_field_name("declarator") or node.child_by_field_name("left"))}
    for node in source.of_type("call_expression"):
        arguments = node.child_by_field_name("arguments")
        if arguments is not None and source.words(arguments) & _OF_ONE_GPU:
            figures |= {
                text_of(a).removeprefix("&") for a in arguments.named_children if a.type == "pointer_expression"
            }
    for node in source.of_type("binary_expression"):
        sides = [node.child_by_field_name("left"), node.child_by_field_name("right")]
        number = any(s is not None and s.type == "number_literal" and text_of(s) not in ("0", "1") for s in sides)
        if _equates(node) and number and source.words(node) & figures:
            yield _finding(node, f"asks for one GPU: {text_of(node)[:60]}")
    described = {
        _declared(node)
        for node in (*source.of_type("declaration"), *source.of_type("parameter_declaration"))
        if source.words(node) & _DESCRIBING
    }
    for node in source.of_type("field_expression"):
        named = text_of(node.child_by_field_name("field")) == "name"
        if named and source.words(node) & (described | _DESCRIBING) and not _is_printed(node):
            yield _finding(node, f"asks for a GPU's name: {text_of(node)[:60]}")


def _as_text(source: NativeSource) -> Iterator[Finding]:
    """Yield macros that turn what simt or CUDA made of a name into a text."""
    bodies = _macros(source)
    turning = {name for name, body in bodies.items() if re.search(r"(?<!#)#\s*\w", body)}
    turning |= {name for name, body in bodies.items() if any(re.search(rf"\b{t}\s*\(", body) for t in turning)}
    for node in source.of_type("call_expression"):
        if text_of(node.child_by_field_name("function")) in turning:
            told = set(re.findall(r"\w+", text_of(node.child_by_field_name("arguments"))))
            if told & _QUALIFIERS or any(map(_NO_MACROS.fullmatch, told)):
                yield _finding(node, f"{text_of(node)[:60]} as a text")


def _defined_by(source: NativeSource, tainted: set[str]) -> set[str]:
    """Return the names whose meaning depends on those: macros, what conditions define, functions of both sides."""
    found: set[str] = set()
    found |= {name for name, body in _macros(source).items() if tainted & set(re.findall(r"\w+", body))}
    for condition in _tainted_conditions(source, tainted):
        for node in _walk(condition):
            if node.type in ("preproc_def", "preproc_function_def"):
                found.add(text_of(node.child_by_field_name("name")))
            elif node.type == "declaration" and not source.in_device_code(node):
                found.add(_declared(node))
    for function in source.of_type("function_definition"):
        words = {text_of(child) for child in function.children} | {c.type for c in function.children}
        if {"__host__", "__device__"} <= words and any(w in tainted for w in source.words(function)):
            found.add(_declared(function))
    return found - {""}


def _declared(node: Node) -> str:
    parts = _walk(node.child_by_field_name("declarator"))
    return next((text_of(part) for part in parts if part.type == "identifier"), "")


def _tainted_conditions(source: NativeSource, tainted: set[str]) -> list[Node]:
    """Return the conditions of the preprocessor outside of functions that ask for one of the names."""
    return [
        node
        for kind in _CONDITIONS
        for node in source.of_type(kind)
        if source.words(_condition(node)) & tainted and source.function_of(node) is None
    ]


def _condition(node: Node) -> Node | None:
    return node.child_by_field_name("name") or node.child_by_field_name("condition")


def _macros(source: NativeSource) -> dict[str, str]:
    """Return the macros that the source defines, and their bodies."""
    nodes = (*source.of_type("preproc_def"), *source.of_type("preproc_function_def"))
    return {text_of(n.child_by_field_name("name")): text_of(n.child_by_field_name("value")) for n in nodes}


def _is_usual(source: NativeSource, node: Node, name: str) -> bool:
    return _sets_a_default(node, name) or _guards(source, node, name)


def _sets_a_default(node: Node, name: str) -> bool:
    """Whether all that stands under the condition defines the name, or takes its definition back."""
    parts = [child for child in node.named_children if child != _condition(node) and child.type != "comment"]
    return bool(parts) and all(
        part.type in ("preproc_def", "preproc_function_def", "preproc_call")
        and name in re.findall(r"\w+", text_of(part))[1:2]
        for part in parts
    )


def _guards(source: NativeSource, node: Node, name: str) -> bool:
    """Whether it is what headers have around them, with a name that no header of others has."""
    first = next((child for child in node.named_children if child != _condition(node)), None)
    defines = first is not None and first.type == "preproc_def" and text_of(first.child_by_field_name("name")) == name
    return defines and name.isupper() and not _NOT_OWN.match(name) and source.function_of(node) is None


def _equates(node: Node) -> bool:
    return node.type == "binary_expression" and text_of(node.child_by_field_name("operator")) in ("==", "!=")


def _is_passed(node: Node) -> bool:
    """Whether it is an argument, or printed with ``<<``."""
    parent = node.parent
    while parent is not None and parent.type == "concatenated_string":
        parent = parent.parent
    if parent is None or parent.type in ("argument_list", "preproc_params"):
        return True
    return parent.type == "binary_expression" and text_of(parent.child_by_field_name("operator")) == "<<"


def _is_printed(node: Node) -> bool:
    parent = node.parent
    if parent is None or parent.type != "argument_list":
        return parent is not None and _is_passed(node)
    call = parent.parent
    return call is not None and text_of(call.child_by_field_name("function")).removeprefix("std::") in _PRINTING


def _walk(node: Node | None) -> Iterator[Node]:
    waiting = [] if node is None else [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.named_children)


def _finding(node: Node, what: str) -> Finding:
    return Finding("platform", node.start_point[0] + 1, what)
