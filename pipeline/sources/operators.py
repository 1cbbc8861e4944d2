"""The operators that composed tasks are made of, each one line of PyTorch.

Constants come from a small set, so that the same lines come back in many tasks.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """One statement of a ``forward``: ``expression`` computes the new value of the variable ``{v}``.

    Operators that differ in a constant alone share their ``name``.
    """

    name: str
    expression: str

    def line(self, variable: str = "x") -> str:
        """Return the statement, like ``x = F.silu(x)``."""
        return f"{variable} = {self.expression.format(v=variable)}"


UNARY: tuple[Operator, ...] = (
    Operator("relu", "F.relu({v})"),
    Operator("leaky_relu", "F.leaky_relu({v}, 0.1)"),
    Operator("leaky_relu", "F.leaky_relu({v}, 0.2)"),
    Operator("elu", "F.elu({v})"),
    Operator("selu", "F.selu({v})"),
    Operator("gelu", "F.gelu({v})"),
    Operator("gelu_tanh", 'F.gelu({v}, approximate="tanh")'),
    Operator("silu", "F.silu({v})"),
    Operator("mish", "F.mish({v})"),
    Operator("softplus", "F.softplus({v})"),
    Operator("softsign", "F.softsign({v})"),
    Operator("hardtanh", "F.hardtanh({v})"),
    Operator("hardswish", "F.hardswish({v})"),
    Operator("hardsigmoid", "F.hardsigmoid({v})"),
    Operator("clamp", "torch.clamp({v}, -0.5, 2.0)"),
    Operator("clamp", "torch.clamp({v}, -1.5, 0.5)"),
    Operator("sigmoid", "torch.sigmoid({v})"),
    Operator("tanh", "torch.tanh({v})"),
    Operator("abs", "torch.abs({v})"),
    Operator("square", "torch.square({v})"),
    Operator("neg", "torch.neg({v})"),
    Operator("sin", "torch.sin({v})"),
    Operator("cos", "torch.cos({v})"),
    Operator("exp", "torch.exp(torch.clamp({v}, max=2.0))"),
    Operator("sqrt", "torch.sqrt(torch.abs({v}) + 0.1)"),
    Operator("log1p", "torch.log1p(torch.abs({v}))"),
    Operator("reciprocal", "1.0 / (torch.abs({v}) + 0.5)"),
    Operator("scale", "{v} * 0.5"),
    Operator("scale", "{v} * 1.5"),
    Operator("scale", "{v} * 2.0"),
    Operator("shift", "{v} + 0.5"),
    Operator("shift", "{v} + 1.5"),
    Operator("shift", "{v} - 0.5"),
)

# On a second input only these, so that a student sees each line about it often enough.
ON_SECOND = tuple(o for o in UNARY if o.name in {"silu", "sigmoid", "tanh", "abs", "square", "relu", "neg", "sin"})

NO_ACTIVATIONS = {
    "abs",
    "square",
    "neg",
    "sin",
    "cos",
    "exp",
    "sqrt",
    "log1p",
    "reciprocal",
    "scale",
    "shift",
    "clamp",
}
ACTIVATIONS = tuple(o for o in UNARY if o.name not in NO_ACTIVATIONS)

JOINS: tuple[Operator, ...] = (
    Operator("add", "x + y"),
    Operator("sub", "x - y"),
    Operator("mul", "x * y"),
    Operator("maximum", "torch.maximum(x, y)"),
    Operator("minimum", "torch.minimum(x, y)"),
    Operator("divide", "x / (torch.abs(y) + 0.5)"),
)

ADD_BIAS = Operator("bias", "x + self.bias")

REDUCTIONS: tuple[Operator, ...] = (
    Operator("sum", "torch.sum({v}, dim=-1)"),
    Operator("mean", "torch.mean({v}, dim=-1)"),
    Operator("amax", "torch.amax({v}, dim=-1)"),
    Operator("amin", "torch.amin({v}, dim=-1)"),
)

SOFTMAXES: tuple[Operator, ...] = (
    Operator("softmax", "F.softmax({v}, dim=-1)"),
    Operator("log_softmax", "F.log_softmax({v}, dim=-1)"),
)
