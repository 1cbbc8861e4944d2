"""What is wrong with a recipe's values, in one line for who wrote them: the key as it was written, and a near one."""

import re
import types
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pipeline.errors import nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

WORDS = {  # by pydantic's types of errors; braces are filled from what it says about one
    "missing": "missing",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "does not match {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "too_short": "must have at least {min_length}, has {actual_length}",
    "too_long": "must have at most {max_length}, has {actual_length}",
    "union_tag_invalid": "no {discriminator} '{tag}'; there are {expected_tags}",
}
KINDS = {  # by how their types begin
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string": "must be a text",
    "path": "must be a path",
    "model": "must be a mapping of keys to values",
    "dict": "must be a mapping of keys to values",
    "tuple": "must be a list",
    "list": "must be a list",
    "none": "must be null",
}


def told(error: ValidationError, root: Any, data: Any) -> str:
    """Return what is wrong in one line, an unknown key before everything else.

    Args:
        error: what pydantic says.
        root: the class, or the annotation of several, that the data was to be.
        data: what was given, to tell keys from the names that pydantic adds for the members of a union.
    """
    errors = error.errors(include_url=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    key = ".".join(_visible(first["loc"], data))
    return f"{key}: {_mistake(first, root)}" if key else _mistake(first, root)


def _mistake(error: "ErrorDetails", root: Any) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        fields = {name for c in _classes_at(error["loc"][:-1], root) for name in c.model_fields}
        near = nearest(str(error["loc"][-1]), fields)
        return "unknown key" + (f"; did you mean {near}?" if near else "")
    if kind == "union_tag_not_found":
        return _without_tag(error, root)
    text = _plain(error)
    shown = "" if kind == "missing" or isinstance(given, dict) else f" (given: {given!r})"
    return f"{text}{shown}{_nearest_choice(error)}"


def _plain(error: "ErrorDetails") -> str:
    """Return the text without pydantic's own words for things."""
    kind, about = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(about["error"])
    if kind in WORDS:
        return WORDS[kind].format(**{name: str(value).replace("'", "") for name, value in about.items()})
    prefix = next((name for name in KINDS if kind.startswith(f"{name}_")), None)
    return KINDS[prefix] if prefix else f"{error['msg'][0].lower()}{error['msg'][1:]}"


def _without_tag(error: "ErrorDetails", root: Any) -> str:
    """Say which key tells the members of a union apart, and what it may be."""
    key = str(error.get("ctx", {}).get("discriminator", "")).strip("'")
    fields = (c.model_fields[key] for c in _classes_at(error["loc"], root) if key in c.model_fields)
    choices = dict.fromkeys(str(choice) for field in fields for choice in get_args(field.annotation))
    return f"lacks {key!r}, one of {', '.join(choices)}"


def _nearest_choice(error: "ErrorDetails") -> str:
    """Return a hint at the choice that is most like what was given, where there is a choice and one is like it."""
    about = error.get("ctx", {})
    chosen = about.get("tag", error["input"])
    choices = re.findall(r"'([^']+)'", str(about.get("expected_tags", about.get("expected", ""))))
    near = nearest(chosen, choices) if isinstance(chosen, str) else None
    return f"; did you mean {near}?" if near else ""


def _visible(location: Sequence[int | str], data: Any) -> list[str]:
    """Return the location as the user wrote it, without the tags that pydantic adds for the members of a union."""
    shown: list[str] = []
    for index, part in enumerate(location):
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if inside:
            data = cast("Any", data)[part]
        elif index < len(location) - 1:
            continue
        shown.append(str(part))
    return shown


def _classes_at(location: Iterable[int | str], root: Any) -> list[type[BaseModel]]:
    """Return the classes that what is at a location may be of."""
    classes = _models(root)
    for part in location:
        tagged = [c for c in classes if any(_is_tag(part, f.annotation) for f in c.model_fields.values())]
        inner = [m for c in classes if part in c.model_fields for m in _models(c.model_fields[str(part)].annotation)]
        classes = inner or tagged or classes  # a number in a list, or a name that the user chose
    return classes


def _is_tag(part: int | str, annotation: Any) -> bool:
    return get_origin(annotation) is Literal and part in get_args(annotation)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the section classes inside an annotation."""
    if get_origin(annotation) in (Union, types.UnionType, Annotated, tuple, list, dict):
        return [m for argument in get_args(annotation) for m in _models(argument)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return []
