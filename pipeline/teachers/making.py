"""From a recipe's ``teacher`` section to the teacher."""

from typing import Annotated

from pydantic import Field

from pipeline.teachers import Teacher, openai, scripted, transformers

TeacherConfig = Annotated[openai.Config | scripted.Config | transformers.Config, Field(discriminator="kind")]


def make(config: TeacherConfig) -> Teacher:
    """Return the teacher that a recipe describes.

    Raises:
        UserError: it can't be had: its key or its model is missing.
    """
    match config:
        case openai.Config():
            return openai.OpenaiTeacher(config)
        case scripted.Config():
            return scripted.ScriptedTeacher(config)
        case transformers.Config():
            return transformers.TransformersTeacher(config)
