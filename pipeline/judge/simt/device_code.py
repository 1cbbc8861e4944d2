"""What nvcc refuses in device code and a C++ compiler does not: host functions, host variables, host-only types.

There is one memory and one processor here, so a kernel that calls a function without ``__device__``, reads a global
array of the host's or fills a ``std::vector`` would run; on a GPU it does not compile. Read off the syntax tree.
Where a name may mean several things, nothing is said.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pipeline.judge.cuda_syntax import Node, descendants, parsed, text_of

_DEVICE = frozenset({"__device__", "__global__", "C10_DEVICE", "C10_HOST_DEVICE", "GPU_LAMBDA"})
_HOST = frozenset({"__host__", "C10_HOST", "C10_HOST_DEVICE", "GPU_LAMBDA"})
_ON_DEVICE = _DEVICE | {"__constant__", "__managed__", "__shared__", "constexpr"}
# nvcc is called with --expt-relaxed-constexpr: what is constexpr in C++17 (max_element, numeric_limits) is no fault.
_STD_OF_THE_HOST = frozenset(
    """vector string map unordered_map set unordered_set list deque queue stack priority_queue function unique_ptr
    shared_ptr make_unique make_shared sort stable_sort partial_sort nth_element cout cerr endl thread async mutex
    ostringstream istringstream stringstream to_string stoi stof mt19937 random_device uniform_real_distribution
    normal_distribution runtime_error exception""".split()  # noqa: SIM905
)
_C_OF_THE_HOST = frozenset(
    """rand srand random drand48 qsort bsearch calloc realloc aligned_alloc exit abort fopen fprintf sprintf snprintf
    puts putchar scanf strlen strcmp strcpy getenv time""".split()  # noqa: SIM905
)
_BUILT_IN = frozenset({"threadIdx", "blockIdx", "blockDim", "gridDim"})
# Methods of CUDA's own types: a host class may have one of the same name.
_METHODS_OF_OTHERS = frozenset(
    """size sync thread_rank shfl shfl_down shfl_up shfl_xor any all ballot data begin end x y z get
    num_threads""".split()  # noqa: SIM905
)
_NESTING = ("function_definition", "lambda_expression")


@dataclass(frozen=True)
class Problem:
    """Where in the source, and what nvcc says of it in like words."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"cuda.cu:{self.line}: error: {self.text}"


def problems(cuda: str) -> list[Problem]:
    """Return what nvcc would refuse in the device code of a CUDA source, in the order of the lines."""
    source = _Source(cuda)
    found = {problem for function in source.device_functions for problem in source.problems_of(function)}
    found |= set(source.launches_of_host_functions())
    return sorted(found, key=lambda problem: (problem.line, problem.text))


class _Source:
    def __init__(self, cuda: str) -> None:
        self._root = parsed(cuda)
        self._nodes = list(descendants(self._root))
        self._macros = {
            text_of(n.child_by_field_name("name")): text_of(n.child_by_field_name("value"))
            for n in self._nodes
            if n.type in ("preproc_def", "preproc_function_def")
        }
        self._functions = [n for n in self._nodes if n.type == "function_definition"]

    @cached_property
    def device_functions(self) -> list[Node]:
        """The functions that run on the device alone: the host's may call what they like."""
        marked = [(function, self._words_before(function, "body")) for function in self._functions]
        return [function for function, words in marked if words & _DEVICE and not words & _HOST]

    @cached_property
    def _host_functions(self) -> set[str]:
        """The names of functions of which every definition and declaration is the host's."""
        host: set[str] = set()
        device: set[str] = set()
        for node in self._nodes:
            declares = node.type in ("declaration", "field_declaration")
            if node.type == "function_definition" or declares:
                words = self._words_before(node, "body")
                names = {
                    _declared(d) for d in descendants(node) if d.type == "function_declarator" and not _points(d)
                }
                if node.type == "function_definition":  # not those declared within
                    names = {_declared(node.child_by_field_name("declarator"))}
                (device if words & (_DEVICE | {"constexpr"}) else host).update(names)
        return {name for name in host - device - self._macros.keys() - {""} if not self._is_marked(name)}

    def _is_marked(self, name: str) -> bool:
        """Whether the words before a name mark it as the device's, where macros keep the grammar from seeing that."""
        marks = "|".join(re.escape(word) for word in _DEVICE | {m for m in self._macros if self._marks(m)})
        return re.search(rf"\b({marks})\b[^;{{}}]*\b{re.escape(name)}\s*\(", text_of(self._root)) is not None

    def _marks(self, macro: str) -> bool:
        return not _DEVICE.isdisjoint(self._macros[macro].split())

    @cached_property
    def _host_variables(self) -> set[str]:
        """The names of variables at the top that device code does not know."""
        found: set[str] = set()
        for node in self._nodes:
            if node.type != "declaration" or _enclosing(node) is not None:
                continue
            words = self._words_before(node, None)
            declarators = node.children_by_field_name("declarator")
            if words & (_ON_DEVICE | {"extern", "using", "typedef"}) or any(map(_is_function, declarators)):
                continue
            array = any(part.type == "array_declarator" for d in declarators for part in descendants(d))
            if "const" not in words or array:  # a constant number is known wherever it is seen
                found |= {_declared(d) for d in declarators}
        return found - {""}

    def problems_of(self, function: Node) -> Iterator[Problem]:
        """Yield the faults of one device function."""
        own = _own_names(function)
        where = "__global__" if "__global__" in self._words_before(function, "body") else "__device__"
        name = _declared(function.child_by_field_name("declarator"))
        for node in self._code_of(function):
            line = node.start_point[0] + 1
            match node.type:
                case "call_expression":
                    called, method = _called(node)
                    known = called not in own and called in self._host_functions
                    if (known and not (method and called in _METHODS_OF_OTHERS)) or (
                        not method and called in _C_OF_THE_HOST and called not in self._host_functions | own
                    ):
                        what = f'calling a __host__ function("{called}") from a {where} function("{name}")'
                        yield Problem(line, f"{what} is not allowed")
                case "identifier" if (text := text_of(node)) in self._host_variables - own:
                    yield Problem(line, f'identifier "{text}" is undefined in device code')
                case "qualified_identifier" if (part := _std_name(node)) in _STD_OF_THE_HOST:
                    yield Problem(line, f'std::{part} belongs to the host: not allowed in {where} function("{name}")')
                case "type_identifier" if text_of(node) == "Tensor":
                    yield Problem(line, f'a Tensor belongs to the host: not allowed in {where} function("{name}")')
                case "throw_statement" | "try_statement":
                    yield Problem(line, "device code does not support exception handling")
                case "array_declarator" if variable := _variable_size(node, function):
                    yield Problem(line, f'expression must have a constant value: "{variable}" is a variable')

    def launches_of_host_functions(self) -> Iterator[Problem]:
        """Yield the launches of what is no kernel."""
        kernels = {
            _declared(d)
            for n in self._nodes
            if n.type in ("function_definition", "declaration") and "__global__" in self._words_before(n, "body")
            for d in n.children_by_field_name("declarator")
        }
        for node in self._nodes:
            if node.type == "call_expression" and any(c.type == "kernel_call_syntax" for c in node.children):
                name = text_of(node.child_by_field_name("function"))
                if name in self._host_functions and name not in kernels:
                    yield Problem(node.start_point[0] + 1, f'a host function ("{name}") can\'t be launched')

    def _code_of(self, function: Node) -> Iterator[Node]:
        """Yield the nodes of a function, and those of the macros that it uses."""
        used: set[str] = set()
        for node in descendants(function):
            yield node
            if node.type == "identifier" and (name := text_of(node)) in self._macros and name not in used:
                used.add(name)
                body = self._macros[name].replace("\\\n", " \n")
                lines = "\n" * node.start_point[0]
                yield from descendants(parsed(f"{lines}void f() {{ {body}; }}"))

    def _words_before(self, node: Node, field: str | None) -> set[str]:
        """Return the words of a declaration before a part of it, macros replaced by theirs."""
        part = node.child_by_field_name(field) if field else None
        end = part.start_byte - node.start_byte if part is not None else None
        raw = (node.text or b"")[:end].decode(errors="replace")
        words = set("".join(c if c.isalnum() or c == "_" else " " for c in raw).split())
        for word in words & self._macros.keys():
            words |= set(self._macros[word].split())
        return words


def _own_names(function: Node) -> set[str]:
    """Return the names that a function declares itself: parameters, variables, lambdas."""
    found: set[str] = set()
    for node in descendants(function):
        if node.type in ("parameter_declaration", "optional_parameter_declaration"):
            found.add(_declared(node.child_by_field_name("declarator")))
        elif node.type == "declaration":
            found |= {_declared(d) for d in node.children_by_field_name("declarator")}
    return found


def _declared(declarator: Node | None) -> str:
    """Return the name that a declarator declares."""
    while declarator is not None and declarator.type not in ("identifier", "field_identifier", "operator_name"):
        if declarator.type == "qualified_identifier":
            declarator = declarator.child_by_field_name("name")
        else:
            named = (c for c in declarator.named_children if "declarator" in c.type or c.type == "identifier")
            declarator = declarator.child_by_field_name("declarator") or next(named, None)
    return text_of(declarator)


def _called(call: Node) -> tuple[str, bool]:
    """Return the name of the function that is called, and whether it is a method."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "field_expression":
        return text_of(function.child_by_field_name("field")), True
    while function is not None and function.type in ("template_function", "qualified_identifier"):
        scope = function.child_by_field_name("scope")
        if scope is not None and text_of(scope) == "std":
            return "", False
        function = function.child_by_field_name("name")
    return (text_of(function) if function is not None and function.type == "identifier" else ""), False


def _std_name(node: Node) -> str:
    name = node.child_by_field_name("name")
    if text_of(node.child_by_field_name("scope")) != "std" or name is None:
        return ""
    return text_of(name.child_by_field_name("name") or name)


def _variable_size(declarator: Node, function: Node) -> str:
    """Return a variable in the size of an array that a device function declares; an empty text if there is none."""
    size, owner = declarator.child_by_field_name("size"), declarator.parent
    while owner is not None and owner.type not in ("declaration", "parameter_declaration", "field_declaration"):
        owner = owner.parent
    if size is None or owner is None or owner.type != "declaration" or "sizeof" in text_of(size):
        return ""
    names = {text_of(n) for n in descendants(size) if n.type == "identifier"}
    varying = set(_BUILT_IN)
    for node in descendants(function):
        if node.type in ("parameter_declaration", "declaration"):
            words = {text_of(c) for c in node.children if c.type == "type_qualifier"}
            if node.type == "parameter_declaration" and node.parent is not None and "template" in node.parent.type:
                continue
            if not words & {"const", "constexpr"}:
                varying |= {_declared(d) for d in node.children_by_field_name("declarator")}
    return min(names & varying, default="")


def _is_function(declarator: Node) -> bool:
    return any(part.type == "function_declarator" for part in descendants(declarator))


def _points(function_declarator: Node) -> bool:
    """Whether it declares a pointer, ``void (*kernel)(float*)``: what that points at may be anything."""
    declarator = function_declarator.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "parenthesized_declarator"


def _enclosing(node: Node) -> Node | None:
    """Return the function or class that a node stands in."""
    parent = node.parent
    while parent is not None and parent.type not in (*_NESTING, "field_declaration_list", "compound_statement"):
        parent = parent.parent
    return parent
