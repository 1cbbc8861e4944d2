"""A robust-kbench task as one self-contained KernelBench module.

The functional forward and the ``Model`` stay as they are (``forward`` takes the function as an argument, by default
the reference's). What is added are the configured values as integers at the top level, ``get_inputs`` without
arguments that passes them on, and ``get_init_inputs``. A value that is no integer is chosen by the integer's place in
a tuple. A backward task's ``AutogradFunction`` stays too: it says how an answer's ``backward`` is called.
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.python_syntax import parse, parse_expression, source_lines
from pipeline.records import Setting
from pipeline.sources.expansion import ConfigError, Expanded
from pipeline.sources.signatures import UnboundError, constructor, parameters, positional

MAKE_INPUTS = "make_inputs"  # the name under which robust-kbench's get_inputs stays


class Module(NamedTuple):
    """The source, and what its settings override."""

    reference: str
    settings: tuple[Setting, ...]


def module_of(source: str, expanded: Sequence[Expanded]) -> Module:
    """Return the KernelBench module of a task and its settings; the first of ``expanded`` is the task's own.

    Raises:
        SyntaxError: the source is no Python.
        ConfigError: a parameter has neither a value nor a default, or a value is neither a number nor a string.
    """
    tree = parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if "get_inputs" not in functions or "Model" not in classes:
        raise ConfigError("the module defines no Model or no get_inputs")
    init = constructor("Model", classes)
    init_defaults = parameters(init) if init else {}
    sizes = _Sizes(expanded, init_defaults, parameters(functions["get_inputs"]), _bound(tree))
    keywords = ", ".join(f"{key}={sizes.expression('inputs', key)}" for key in sizes.keys("inputs"))
    arguments = {key: parse_expression(sizes.expression("init", key)).body for key in sizes.keys("init")}
    try:
        init_values = positional("Model", classes, (), arguments)
    except UnboundError as error:
        raise ConfigError(str(error)) from None
    parts = [
        _without(source, tree, functions["get_inputs"]),
        sizes.assignments(),
        f"def get_inputs():\n    return {MAKE_INPUTS}({keywords})\n",
        f"def get_init_inputs():\n    return [{', '.join(init_values)}]\n",
    ]
    return Module("\n\n".join(part for part in parts if part), sizes.settings())


class _Sizes:
    """The configured values under the names of module-level integers."""

    def __init__(
        self,
        expanded: Sequence[Expanded],
        init: Mapping[str, ast.expr | None],
        inputs: Mapping[str, ast.expr | None],
        taken: set[str],
    ) -> None:
        self._defaults = {"init": init, "inputs": inputs}
        # A value that no parameter takes changes nothing: mnist_pool's kernel_size is one.
        self._keys = {
            "init": list(dict.fromkeys(key for setting in expanded for key in setting.init if key in init)),
            "inputs": list(dict.fromkeys(key for setting in expanded for key in setting.inputs if key in inputs)),
        }
        self._values: dict[str, list[Any]] = {}
        self._names: dict[tuple[str, str], str] = {}
        for side in ("init", "inputs"):
            for key in self._keys[side]:
                values = [self._value(side, key, getattr(setting, side)) for setting in expanded]
                name = key.upper() + ("_SIZE" if key.upper() in taken else "")
                if self._values.get(name, values) != values:
                    name = f"INPUT_{name}"
                self._names[side, key], self._values[name] = name, values
        self._choices = {
            name: tuple(dict.fromkeys(values))
            for name, values in self._values.items()
            if not all(type(value) is int for value in values)
        }

    def _value(self, side: str, key: str, given: Mapping[str, Any]) -> Any:
        default = self._defaults[side][key]
        if key not in given and default is None:
            raise ConfigError(f"{key} has neither a value nor a default")
        value = given[key] if key in given or default is None else ast.literal_eval(default)
        if not isinstance(value, bool | int | float | str | None):
            raise ConfigError(f"{key}: {value!r} is neither a number nor a string")
        return value

    def keys(self, side: str) -> list[str]:
        return self._keys[side]

    def expression(self, side: str, key: str) -> str:
        name = self._names[side, key]
        return f"{name}S[{name}]" if name in self._choices else name

    def assignments(self) -> str:
        lines: list[str] = []
        for name, integers in self._integers().items():
            if name in self._choices:
                lines.append(f"{name}S = {self._choices[name]!r}")
            lines.append(f"{name} = {integers[0]}")
        return "\n".join([*lines, ""]) if lines else ""

    def settings(self) -> tuple[Setting, ...]:
        columns = self._integers()
        count = max((len(values) for values in columns.values()), default=1)
        found = [Setting(name="own")]
        for index in range(1, count):
            sizes = {name: values[index] for name, values in columns.items() if values[index] != values[0]}
            if sizes and sizes not in [setting.sizes for setting in found]:
                found.append(Setting(name=f"config{index}", sizes=sizes))
        return tuple(found)

    def _integers(self) -> dict[str, list[int]]:
        return {
            name: [self._choices[name].index(value) for value in values] if name in self._choices else values
            for name, values in self._values.items()
        }


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that a module binds at its top level, imports included."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    aliases = [
        alias for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    ]
    return names | {alias.asname or alias.name for alias in aliases}


def _without(source: str, tree: ast.Module, get_inputs: ast.FunctionDef) -> str:
    """Return the source with ``get_inputs`` renamed, and without what only robust-kbench's harness uses."""
    lines = source_lines(source)
    header = get_inputs.lineno - 1
    lines[header] = lines[header].replace("get_inputs", MAKE_INPUTS, 1)
    for number in range(header, get_inputs.end_lineno or header):  # the judge asks for gradients itself
        lines[number] = lines[number].replace(", requires_grad=True", "")
    for node in reversed(tree.body):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "input_names":
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip() + "\n"
