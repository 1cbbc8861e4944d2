"""A bare ``.cu`` with ``forward`` (or ``backward``), robust-kbench's form of an answer, as the module that is judged.

What calls it is taken from the task: where ``Model.forward`` takes the function as an argument whose default is the
reference's (``fn=forward_fn``), the answer is that ``Model`` with the extension's function in its place, so that
weights and arguments go where robust-kbench puts them; a backward task's ``AutogradFunction`` calls ``backward``. A
``Model`` without weights calls ``forward`` with the inputs, then the constructor's arguments.
"""

import ast
import re

from pipeline.python_syntax import parse, parse_expression
from pipeline.records import Task


class NotCallableError(Exception):
    """A bare ``.cu`` can't be called; ``mismatch``: for this task, whatever it holds."""

    def __init__(self, detail: str, *, mismatch: bool) -> None:
        super().__init__(detail)
        self.mismatch = mismatch


AUTOGRAD = "AutogradFunction"  # robust-kbench's name
_DEFINES = re.compile(r"^[\w:<>,&\s]*[\w>&]\s+(forward|backward)\s*\(", re.MULTILINE)
_OWN_MODULE = re.compile(r"\bPYBIND11_MODULE\b|\bTORCH_LIBRARY")
_BUILD = """
import torch
from torch.utils.cpp_extension import load_inline

extension = load_inline(name="candidate", cpp_sources="", cuda_sources={source!r})
"""
# Layers of torch's that hold neither parameters nor buffers.
_EMPTY_LAYERS = re.compile(
    r"""(?!LinearCrossEntropy|AdaptiveLogSoftmaxWith)\w*Loss
    | (Adaptive)?(Avg|Max)Pool[123]d | LPPool[123]d | MaxUnpool[123]d
    | (Constant|Reflection|Replication|Zero)Pad[123]d
    | (LogS|S)oftmax | Softm(ax2d|in) | (Log)?Sigmoid | Hard(shrink|sigmoid|swish|tanh) | Soft(plus|shrink|sign)
    | [CGS]?ELU | ReLU6? | LeakyReLU | SiLU | Mish | GLU | Tanh(shrink)? | Threshold | Identity | (Unf|F)latten
    | (Unf|F)old | CosineSimilarity | PairwiseDistance | Pixel(Uns|S)huffle | ChannelShuffle | Upsample""",
    re.VERBOSE,
)
_WEIGHTLESS = """
class ModelNew(torch.nn.Module):
    def __init__(self, *arguments):
        super().__init__()
        self.arguments = arguments

    def forward(self, *inputs):
        return extension.forward(*inputs, *self.arguments)
"""


def is_bare(code: str) -> bool:
    """Whether a candidate's text is CUDA C++ rather than a Python module, as far as can be told from it."""
    if "__global__" not in code or "ModelNew" in code:
        return False
    try:
        parse(code)
    except (SyntaxError, ValueError):
        return True
    return False


def module_of(cuda: str, task: Task) -> str:
    """Return the Python module with ``ModelNew`` that a bare ``.cu`` amounts to for a task.

    Raises:
        NotCallableError: it can't be called.
    """
    tree = parse(task.reference)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    model = classes["Model"]
    build = _BUILD.format(source=_exporting(cuda))
    replaced = _function_argument(model, {n.name for n in tree.body if isinstance(n, ast.FunctionDef)})
    if replaced is not None:
        return build + _functional(tree, model, replaced, backward=task.direction == "backward")
    if task.direction == "backward":
        detail = "a bare .cu needs a backward task whose Model.forward takes the function"
        raise NotCallableError(detail, mismatch=True)
    if _has_weights(model):
        detail = "a bare .cu needs a task without weights, or one whose Model.forward takes the function"
        raise NotCallableError(detail, mismatch=True)
    return build + _WEIGHTLESS


def _exporting(cuda: str) -> str:
    """Return the source with its functions exported, if it does not do that itself."""
    if _OWN_MODULE.search(cuda):
        return cuda
    names = sorted(set(_DEFINES.findall(cuda)))
    if not names:
        detail = "defines neither forward nor backward, and no PYBIND11_MODULE"
        raise NotCallableError(detail, mismatch=False)
    exports = " ".join(f'm.def("{name}", &{name});' for name in names)
    return f"{cuda}\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {{ {exports} }}\n"


def _function_argument(model: ast.ClassDef, functions: set[str]) -> tuple[list[ast.expr], int] | None:
    """Return the defaults of ``Model.forward`` and which of them is a function of the module's; None if none is."""
    for node in model.body:
        if isinstance(node, ast.FunctionDef) and node.name == "forward":
            for index, default in enumerate(node.args.defaults):
                if isinstance(default, ast.Name) and default.id in functions:
                    return node.args.defaults, index
    return None


def _functional(
    tree: ast.Module, model: ast.ClassDef, replaced: tuple[list[ast.expr], int], *, backward: bool
) -> str:
    """Return the text of the task's Model as ModelNew with another function, and of what it needs of the module."""
    kept = {name: node for node in tree.body for name in _bound(node)}
    if backward and AUTOGRAD not in kept:
        detail = f"a bare .cu needs a backward task with an {AUTOGRAD} that says how it is called"
        raise NotCallableError(detail, mismatch=True)
    function = f"{AUTOGRAD}.apply" if backward else "extension.forward"
    defaults, index = replaced
    defaults[index] = parse_expression(function).body
    needed = _needed([model], kept)
    for node in ast.walk(model):
        if isinstance(node, ast.Name) and node.id == "Model":  # of super(Model, self)
            node.id = "ModelNew"
    model.name = "ModelNew"
    before = [ast.unparse(node) for node in tree.body if node in needed and node is not model]
    hook = [f"{AUTOGRAD}.backward_fn = extension.backward"] if backward else []
    return "\n\n".join([*before, *hook, ast.unparse(model)]) + "\n"


def _needed(nodes: list[ast.stmt], kept: dict[str, ast.stmt]) -> set[ast.stmt]:
    """Return the module's statements that the nodes depend on by name, themselves among them."""
    found: set[ast.stmt] = set()
    while nodes:
        node = nodes.pop()
        if node not in found:
            found.add(node)
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            nodes += [kept[name] for name in names if name in kept]
    return found


def _bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case _:
            return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _has_weights(model: ast.ClassDef) -> bool:
    """Whether the constructor makes layers or parameters: what it calls with a capital letter that may hold any."""
    constructors = [n for n in model.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    calls = (node.func for init in constructors for node in ast.walk(init) if isinstance(node, ast.Call))
    names = [function.attr for function in calls if isinstance(function, ast.Attribute)]
    makers = (name for name in names if name[:1].isupper() or name == "register_buffer")
    return any(_EMPTY_LAYERS.fullmatch(name) is None for name in makers)
