"""What a reference module computes, read from its syntax tree."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.python_syntax import parse
from pipeline.records import Message
from pipeline.teachers.scripting.expressions import NoRuleError, function_name, translate

RowOperator = Literal["sum", "mean", "amax", "amin", "softmax", "log_softmax"]
ROW_OPERATORS: dict[str, RowOperator] = {
    "sum": "sum", "mean": "mean", "amax": "amax", "amin": "amin", "softmax": "softmax", "log_softmax": "log_softmax",
}  # fmt: skip
# Names that the kernels use themselves.
RESERVED = frozenset("out n i j t s cols shared value largest total chain fused module".split())  # noqa: SIM905
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_MODEL = re.compile(r"^class Model\b", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One operator: what a person calls it, the variable that it changes, and the CUDA statement."""

    label: str
    variable: str
    code: str


@dataclass(frozen=True)
class Plan:
    """A chain of steps on each element, and perhaps one operator over each row after it.

    ``parameter`` is a vector along the last dimension, made in ``constructor``, the source of ``__init__``.
    ``generator`` is the function of torch that makes the inputs.
    """

    inputs: tuple[str, ...]
    parameter: str | None
    constructor: str
    steps: tuple[Step, ...]
    row_operator: RowOperator | None
    generator: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The arguments of the kernel: the inputs, and the parameter if there is one."""
        return self.inputs + ((self.parameter,) if self.parameter else ())


def find_module(messages: Sequence[Message]) -> str | None:
    """Return the last ```python block of the user's that defines ``class Model``."""
    blocks = [block for m in messages if m.role == "user" for block in _BLOCK.findall(m.content)]
    return next((block for block in reversed(blocks) if _MODEL.search(block)), None)


def read_plan(source: str) -> Plan:
    """Return the plan of a module.

    Raises:
        NoRuleError: it holds something that the rules do not cover, or is not Python.
    """
    try:
        tree = parse(source)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        raise NoRuleError(f"a module that is not Python: {error}") from error
    functions = _functions(tree)
    if not {"Model.__init__", "Model.forward", "get_inputs"} <= functions.keys():
        raise NoRuleError("a module without Model.__init__, Model.forward and get_inputs")
    constructor, forward = functions["Model.__init__"], functions["Model.forward"]
    inputs = tuple(argument.arg for argument in forward.args.args[1:])
    parameter = _parameter(constructor)
    generator, rank = _generator(functions["get_inputs"], len(inputs))
    if RESERVED & {*inputs, parameter}:
        raise NoRuleError(f"the names {', '.join(inputs)}")
    steps, row_operator = _steps(forward, inputs, parameter)
    if row_operator and (rank != 2 or inputs != ("x",) or parameter):
        raise NoRuleError(f"{row_operator} of anything but one matrix x")
    text = ast.get_source_segment(source, constructor) or ""
    return Plan(inputs, parameter, text.replace("super(Model,", "super(ModelNew,"), steps, row_operator, generator)


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """Return the module's functions and the methods of Model, as ``get_inputs`` and ``Model.forward``."""
    classes = [c for c in tree.body if isinstance(c, ast.ClassDef) and c.name == "Model"]
    owners = [("", tree.body), *(("Model.", c.body) for c in classes)]
    return {f"{owner}{f.name}": f for owner, body in owners for f in body if isinstance(f, ast.FunctionDef)}


def _parameter(constructor: ast.FunctionDef) -> str | None:
    """Return the name of the one vector parameter that the constructor makes, if it makes one and nothing else."""
    name = None
    for statement in constructor.body:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"))))):
                continue
            case ast.Assign(
                targets=[ast.Attribute(attr=attribute)],
                value=ast.Call(func=ast.Attribute(attr="Parameter"), args=[ast.Call(args=[_])]),
            ) if name is None:
                name = attribute
            case _:
                raise NoRuleError(statement)
    return name


def _generator(function: ast.FunctionDef, count: int) -> tuple[str, int]:
    """Return the function of torch that makes the inputs, and their rank; all must be made alike."""
    match function.body:
        case [ast.Return(value=ast.List(elts=[first, *rest]))] if len(rest) == count - 1:
            name = function_name(first)
            alike = all(ast.unparse(other) == ast.unparse(first) for other in rest)
            if name in ("randn", "rand") and alike and isinstance(first, ast.Call) and not first.keywords:
                return name, len(first.args)
    raise NoRuleError(function.body[-1])


def _steps(
    forward: ast.FunctionDef, inputs: tuple[str, ...], parameter: str | None
) -> tuple[tuple[Step, ...], RowOperator | None]:
    steps: list[Step] = []
    row_operator: RowOperator | None = None
    for statement in forward.body:
        match statement:
            case ast.Return(value=ast.Name(id=name)) if name == inputs[0]:
                return tuple(steps), row_operator
            case ast.Assign(targets=[ast.Name(id=name)], value=expression) if name in inputs and not row_operator:
                row_operator = _row_operator(expression, inputs[0]) if name == inputs[0] else None
                if row_operator is None:
                    code = f"{name} = {translate(expression, set(inputs), parameter)};"
                    steps.append(Step(_label(name, expression, inputs), name, code))
            case _:
                raise NoRuleError(statement)
    raise NoRuleError("a forward that does not return its first argument")


def _row_operator(node: ast.expr, variable: str) -> RowOperator | None:
    operator = ROW_OPERATORS.get(function_name(node))
    if operator is None or not isinstance(node, ast.Call):
        return None
    if [ast.unparse(a) for a in node.args] != [variable] or [ast.unparse(k) for k in node.keywords] != ["dim=-1"]:
        raise NoRuleError(node)
    return operator


def _label(variable: str, node: ast.expr, inputs: tuple[str, ...]) -> str:
    """Return ``silu`` or ``leaky_relu 0.1`` for a call on the variable, and the expression itself for the rest."""
    text, name = ast.unparse(node), function_name(node)
    has_names = isinstance(node, ast.Call) and bool(node.keywords) and name != "gelu_tanh"
    if isinstance(node, ast.Call) and ast.unparse(node.args[0]) == variable and not has_names:
        text = " ".join([name, *(ast.unparse(argument) for argument in node.args[1:])])
    return text if variable == inputs[0] else f"{text} on {variable}"
