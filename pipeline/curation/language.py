"""Drops answers in another script than English's, and texts that were broken on their way."""

import re
from typing import Literal

from pydantic import Field

from pipeline.curation.features import Texts
from pipeline.section import Section

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# UTF-8 that was read as Latin-1 or Windows-1252, and what stands for bytes that could not be read
_MOJIBAKE = re.compile(r"[\u00c3\u00c2][\u0080-\u00bf]|\u00e2\u20ac|\u00ef\u00bb\u00bf|\ufffd")
_LETTER = re.compile(r"[^\W\d_]")
_FOREIGN = re.compile(r"(?![\u0370-\u03ff])[^\W\d_\x00-\x7f]")  # Greek letters are mathematics


class Config(Section):
    """``max_foreign``: the largest share of letters outside ASCII and Greek.

    Scripts are told apart, not languages: French or Spanish prose passes unless its accents exceed the share.
    """

    kind: Literal["language"] = "language"
    max_foreign: float = Field(default=0.02, ge=0, le=1)


def examine(texts: Texts, config: Config) -> str | None:
    """Return what is wrong with the letters of reasoning and answer, None if nothing is."""
    text = f"{texts.reasoning}\n{texts.answer}"
    if _CONTROL.search(text):
        return "control_characters"
    if text.isascii():
        return None
    if _MOJIBAKE.search(text):
        return "mojibake"
    foreign, letters = len(_FOREIGN.findall(text)), len(_LETTER.findall(text))
    return "not_english" if foreign > config.max_foreign * letters else None
