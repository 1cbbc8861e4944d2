"""What every section of a recipe has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen part of a recipe in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def throughput(default: Any, **constraints: Any) -> Any:
    """Return a pydantic field for a knob that changes how fast a stage runs, and never what it writes.

    Such fields are left out of a stage's identity: changing one does not redo the stage.
    """
    return Field(default, json_schema_extra={"throughput": True}, **constraints)


def identity(section: BaseModel) -> dict[str, Any]:
    """Return the section as JSON-ready values without its throughput knobs, nested sections included."""

    def strip(value: Any, dumped: Any) -> Any:
        if isinstance(value, BaseModel):
            kept: dict[str, Any] = {}
            for name, field in type(value).model_fields.items():
                extra = field.json_schema_extra
                if isinstance(extra, dict) and extra.get("throughput"):
                    continue
                kept[name] = strip(getattr(value, name), dumped[name])
            return kept
        if isinstance(value, list | tuple):
            return [strip(v, d) for v, d in zip(value, dumped, strict=True)]
        return dumped

    return strip(section, section.model_dump(mode="json"))
