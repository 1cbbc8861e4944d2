"""PyTorch expressions as CUDA expressions on one element.

The CUDA text is written without ``?:`` and casts, so that it is also a Python expression but for the ``f`` of its
literals: ``values`` runs the very text that is handed out.
"""

import ast
import re
from collections.abc import Callable

UNARY_FUNCTIONS = {
    "abs": "fabsf", "cos": "cosf", "erf": "erff", "exp": "expf", "expm1": "expm1f", "log": "logf",
    "log1p": "log1pf", "sin": "sinf", "sqrt": "sqrtf", "tanh": "tanhf",
}  # fmt: skip
BINARY_FUNCTIONS = {"maximum": "fmaxf", "minimum": "fminf"}
OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}

SOFTPLUS = "fmaxf({x}, 0.0f) + log1pf(expf(-fabsf({x})))"
# Each formula of {x} with its constants and PyTorch's defaults of them.
FORMULAS: dict[str, tuple[str, dict[str, float]]] = {
    "relu": ("fmaxf({x}, 0.0f)", {}),
    "leaky_relu": ("fmaxf({x}, 0.0f) + {negative_slope} * fminf({x}, 0.0f)", {"negative_slope": 0.01}),
    "elu": ("fmaxf({x}, 0.0f) + {alpha} * expm1f(fminf({x}, 0.0f))", {"alpha": 1.0}),
    "selu": ("1.050701f * (fmaxf({x}, 0.0f) + 1.6732632f * expm1f(fminf({x}, 0.0f)))", {}),
    "gelu": ("0.5f * {x} * (1.0f + erff({x} * 0.70710678f))", {}),
    "gelu_tanh": ("0.5f * {x} * (1.0f + tanhf(0.79788456f * ({x} + 0.044715f * {x} * {x} * {x})))", {}),
    "silu": ("{x} / (1.0f + expf(-{x}))", {}),
    "mish": ("{x} * tanhf(" + SOFTPLUS + ")", {}),
    "softplus": (SOFTPLUS, {}),
    "softsign": ("{x} / (1.0f + fabsf({x}))", {}),
    "hardtanh": ("fminf(fmaxf({x}, {min_val}), {max_val})", {"min_val": -1.0, "max_val": 1.0}),
    "hardswish": ("{x} * fminf(fmaxf({x} + 3.0f, 0.0f), 6.0f) / 6.0f", {}),
    "hardsigmoid": ("fminf(fmaxf({x} + 3.0f, 0.0f), 6.0f) / 6.0f", {}),
    "sigmoid": ("1.0f / (1.0f + expf(-{x}))", {}),
    "square": ("{x} * {x}", {}),
    "neg": ("-{x}", {}),
}
_ATOM = re.compile(r"[\w.]+|\w+\([^()]*\)")


class NoRuleError(Exception):
    """The module holds something that no rule is written for; the message names it."""

    def __init__(self, node: ast.AST | str) -> None:
        super().__init__(f"no rule for {node if isinstance(node, str) else ast.unparse(node)}")


def translate(node: ast.expr, variables: set[str], parameter: str | None) -> str:
    """Return the CUDA expression of a PyTorch one.

    Args:
        node: the expression.
        variables: the names of the inputs of ``forward``.
        parameter: the name of the module's parameter, which becomes a variable of that name.

    Raises:
        NoRuleError: there is no rule for a part of it.
    """

    def inner(part: ast.expr) -> str:
        return translate(part, variables, parameter)

    match node:
        case ast.Name(id=name) if name in variables:
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name == parameter:
            return name
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return literal(node)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_closed(inner(operand))}"
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            return f"{_closed(inner(left))} {OPERATORS[type(operator)]} {_closed(inner(right))}"
        case ast.Call():
            return _call(node, inner)
    raise NoRuleError(node)


def _call(node: ast.Call, inner: Callable[[ast.expr], str]) -> str:
    name, options = function_name(node), _options(node)
    match node.args:
        case [x] if name in UNARY_FUNCTIONS and not options:
            return f"{UNARY_FUNCTIONS[name]}({inner(x)})"
        case [x, y] if name in BINARY_FUNCTIONS and not options:
            return f"{BINARY_FUNCTIONS[name]}({inner(x)}, {inner(y)})"
        case [x, *constants] if name == "clamp" and len(constants) <= 2:
            return _clamp(inner(x), dict(zip(("min", "max"), constants, strict=False)) | options)
        case [x, *constants] if name in FORMULAS and len(constants) <= len(FORMULAS[name][1]):
            template, defaults = FORMULAS[name]
            given = dict(zip(defaults, constants, strict=False)) | options
            if given.keys() <= defaults.keys():
                texts = {key: literal(given[key]) if key in given else f"{defaults[key]!r}f" for key in defaults}
                return template.format(x=_closed(inner(x)), **texts)
    raise NoRuleError(node)


def literal(node: ast.expr) -> str:
    """Return the float literal of CUDA for a number.

    Raises:
        NoRuleError: it is no number.
    """
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise NoRuleError(node) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoRuleError(node)
    return f"{float(value)!r}f"


def function_name(node: ast.expr) -> str:
    """Return ``silu`` for a call of ``F.silu`` or ``torch.silu``, and an empty string for any other expression.

    GELU's approximation counts as a function of its own, ``gelu_tanh``.
    """
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ""
    if ast.unparse(node.func.value) not in ("torch", "F", "torch.nn.functional"):
        return ""
    is_approximate = any(k.arg == "approximate" and ast.unparse(k.value) == "'tanh'" for k in node.keywords)
    return f"{node.func.attr}_tanh" if is_approximate else node.func.attr


def _options(node: ast.Call) -> dict[str, ast.expr]:
    return {
        k.arg or "**": k.value for k in node.keywords if k.arg != "approximate" or ast.unparse(k.value) != "'tanh'"
    }


def _clamp(text: str, bounds: dict[str, ast.expr]) -> str:
    if "min" in bounds:
        text = f"fmaxf({text}, {literal(bounds.pop('min'))})"
    if "max" in bounds:
        text = f"fminf({text}, {literal(bounds.pop('max'))})"
    if bounds:
        raise NoRuleError(f"clamp with {', '.join(bounds)}")
    return text


def _closed(text: str) -> str:
    """Return the text in parentheses unless it is a name, a number or a plain call."""
    return text if _ATOM.fullmatch(text) else f"({text})"
