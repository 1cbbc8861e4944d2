"""KernelBook's modules (GPUMODE/KernelBook, 18,162 modules of public repositories), from the Hub or a local table.

Its ``python_code`` defines the module under the name in ``entry_point``, ``get_inputs()``, and ``get_init_inputs()``
that returns ``[args, kwargs]``; here these become a KernelBench module, whose constructor takes positional arguments,
without the imports that nothing uses.
Each row's licences are kept. Many modules have inputs of 4 x 4 x 4 x 4: ``filters.too_small`` leaves those out.
"""

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from pipeline.python_syntax import parse, source_lines
from pipeline.sources.config import SourceConfig
from pipeline.sources.found import Broken, Found, Origin, task_from_module
from pipeline.sources.hub import file_rows, hub_rows, table_files
from pipeline.sources.signatures import UnboundError, positional

COLUMNS = ("python_code", "entry_point")


class Config(SourceConfig):
    """``path``: a table with the Hub's columns; null: ``dataset`` on the Hub. ``limit`` takes the first rows only.

    ``licences`` keeps rows all of whose licences are among these (as the data set spells them); null keeps all.
    """

    source: Literal["kernelbook"] = "kernelbook"
    path: Path | None = None
    dataset: str = "GPUMODE/KernelBook"
    limit: int | None = Field(default=None, ge=1)
    licences: tuple[str, ...] | None = None
    heldout_share: float = Field(default=0.0, ge=0, le=1)

    def local_files(self) -> dict[str, list[Path]]:
        """Return the tables of ``path``."""
        return {} if self.path is None else {"path": table_files(self.path)}


def read(config: Config, seed: int) -> Iterator[Found]:
    """Yield the modules in the order of the rows. No module is executed.

    Raises:
        UserError: a file, data set or column is missing.
    """
    if config.path is not None:
        rows = file_rows(config.path, COLUMNS, "tasks.path")
    else:
        rows = hub_rows(config.dataset, "train", COLUMNS, "tasks.dataset")
    for number, row in enumerate(rows):
        if config.limit is not None and number >= config.limit:
            return
        yield _found(row, number, config, seed)


def _found(row: dict[str, Any], number: int, config: Config, seed: int) -> Found:
    name = f"{row.get('uuid', number)}_{row['entry_point']}"
    licences = _licences(row)
    origin = Origin(name, "kernelbook", None, " AND ".join(licences) or None, seed, config.heldout_share)
    adapted = kernelbench_module(str(row["python_code"] or ""), str(row["entry_point"]))
    found = task_from_module(adapted.source, origin)
    if adapted.problem is not None:
        return Broken(found.task if isinstance(found, Broken) else found, *adapted.problem)
    allowed = config.licences
    if isinstance(found, Broken) or allowed is None or (licences and set(licences) <= set(allowed)):
        return found
    return Broken(found, "licence", origin.licence or "none is named")


def _licences(row: dict[str, Any]) -> list[str]:
    named = row.get("licenses") or []
    return [str(licence) for licence in named] if isinstance(named, list) else [str(named)]


class Adapted(NamedTuple):
    """A module's source, and reason and detail where it could not be made one of KernelBench."""

    source: str
    problem: tuple[str, str] | None = None


def kernelbench_module(source: str, entry_point: str) -> Adapted:
    """Return a module of KernelBook as one of KernelBench: ``Model``, and positional constructor arguments."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Adapted(source, ("task_syntax", str(error) or type(error).__name__))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if entry_point not in classes:
        return Adapted(source, ("task_incomplete", f"defines no class {entry_point}"))
    given = _init_inputs(tree)
    if given is None:
        return Adapted(source, ("init_arguments", "get_init_inputs returns no [[...], {...}]"))
    function, arguments, keywords = given
    try:
        values = positional(entry_point, classes, arguments, keywords)
    except UnboundError as error:
        return Adapted(source, ("init_arguments", str(error)))
    lines = source_lines(source)
    body = ["def get_init_inputs():", f"    return [{', '.join(values)}]"]
    edits = [(function, body), *((needless, []) for needless in _needless_imports(tree))]
    for node, new in sorted(edits, key=lambda edit: edit[0].lineno, reverse=True):
        lines[node.lineno - 1 : node.end_lineno] = new
    alias = [] if entry_point == "Model" else ["", "", f"Model = {entry_point}"]
    return Adapted("\n".join([*lines, *alias, ""]))


def _needless_imports(tree: ast.Module) -> list[ast.stmt]:
    """Return the imports none of whose names is used: some are of packages that hardly anybody has."""
    nodes = list(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | set(dir(builtins))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [{alias.asname or alias.name.partition(".")[0] for alias in node.names} for node in imports]
    unknown = used - bound.union(*names)  # what may come of an import of everything
    needless = [
        n for n, these in zip(imports, names, strict=True) if not (these & used or ("*" in these and unknown))
    ]
    lines = [node.lineno for node in tree.body]
    return [n for n in needless if lines.count(n.lineno) == 1 and not ast.unparse(n).startswith("from __future__")]


def _init_inputs(tree: ast.Module) -> tuple[ast.FunctionDef, list[ast.expr], dict[str, ast.expr]] | None:
    """Return the function and what its last statement, ``return [[...], {...}]``, holds."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "get_init_inputs":
            match node.body[-1]:
                case ast.Return(value=ast.List(elts=[ast.List(elts=arguments), ast.Dict(keys=keys, values=values)])):
                    names = [key.value if isinstance(key, ast.Constant) else None for key in keys]
                    if len(node.body) == 1 and all(isinstance(name, str) for name in names):
                        return node, arguments, dict(zip(map(str, names), values, strict=True))
    return None
