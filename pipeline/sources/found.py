"""What a source of other people's tasks finds: a task, or one that is broken, with the reason."""

import ast
from typing import Literal, NamedTuple

from pipeline.curation.similarity import normal_form
from pipeline.python_syntax import parse
from pipeline.records import Setting, Split, Task, content_hash
from pipeline.sources.categories import category_of

REQUIRED = ("Model", "get_inputs", "get_init_inputs")


class Broken(NamedTuple):
    """A task that can't be posed; ``task`` holds what there is of it, for the table of rejected rows."""

    task: Task
    reason: str
    detail: str


Found = Task | Broken


class Origin(NamedTuple):
    """Where a module comes from and what is said of it there; see ``Task``."""

    name: str
    source: str
    level: int | None
    licence: str | None
    seed: int
    heldout_share: float


def task_from_module(
    reference: str,
    origin: Origin,
    settings: tuple[Setting, ...] = (Setting(name="own"),),
    direction: Literal["forward", "backward"] = "forward",
) -> Found:
    """Return the task of a KernelBench module, or why there is none: ``task_syntax``, ``task_incomplete``.

    Nothing is executed. The category is read off the operations, the split off ``split_of``.
    """
    problem = module_problem(reference)
    form = () if problem else normal_form(reference)
    task = Task(
        name=origin.name,
        reference=reference,
        settings=settings,
        direction=direction,
        category=category_of(form),
        level=origin.level,
        source=origin.source,
        licence=origin.licence,
        split="train" if problem else split_of(reference, origin.seed, origin.heldout_share),
    )
    return Broken(task, *problem) if problem else task


def module_problem(reference: str) -> tuple[str, str] | None:
    """Return reason and detail of what keeps a text from being a KernelBench module, None if nothing does."""
    try:
        normal_form(reference)
        tree = parse(reference)
    except SyntaxError as error:
        return "task_syntax", str(error)
    missing = [name for name in REQUIRED if name not in defined_names(tree)]
    return ("task_incomplete", f"lacks {', '.join(missing)}") if missing else None


def split_of(reference: str, seed: int, heldout_share: float) -> Split:
    """Return the side on which a computation is: equal normal forms are always on the same one.

    Raises:
        SyntaxError: ``reference`` is no Python.
    """
    share = int(content_hash([seed, normal_form(reference)]), 16) / 16**16
    return "heldout" if share < heldout_share else "train"


def defined_names(tree: ast.Module) -> set[str]:
    """Return the names that a module binds at its top level by definition, assignment or import from."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names
