"""The few figures about a candidate that filters decide on: light, so that a million of them fit in memory."""

import hashlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from pipeline.curation.python_tokens import LINE, STRING, WORD, python_tokens
from pipeline.records import ID_LENGTH

NOT_JUDGED = "not_judged"  # a status beside the verdicts': the candidate has none
_TOKEN = re.compile(r"\w+|[^\w\s]")
_C_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}


@dataclass(frozen=True, slots=True)
class Features:
    """One candidate as the filters see it; ``accepted`` and ``status`` are the judge's.

    ``reasoning_tokens`` and ``completion_tokens`` (reasoning and answer together) are counted by ``count_tokens``.
    The hashes are None for a candidate without code: ``text_hash`` is over reasoning and code, ``code_hash`` over the
    code, ``normalised_code_hash`` over the code in the form in which ``duplicates`` compares it (None also where it
    does not ask, and for wrong answers). ``arl`` is the mean reasoning length of the task's first answers,
    ``difficulty`` its bin, both None where no answer has reasoning. ``found`` holds, by kind of filter, what the
    filters that look into the texts saw.
    """

    candidate_id: str
    task_id: str
    category: str
    accepted: bool
    status: str
    turn: int
    reasoning_tokens: int
    completion_tokens: int
    text_hash: str | None = None
    code_hash: str | None = None
    normalised_code_hash: str | None = None
    speedup: float | None = None
    sample: int = 0
    level: int | None = None
    source: str = ""
    arl: float | None = None
    difficulty: str | None = None
    found: dict[str, Any] = field(default_factory=dict)


class Texts(NamedTuple):
    """What filters that look into the texts are shown of a right answer.

    ``reasoning`` is "" where there is none; ``answer`` is the answer proper, ``code`` the module in it.
    """

    reasoning: str
    answer: str
    code: str


def count_tokens(text: str | None) -> int:
    """Return the number of words, numbers and punctuation marks of a text; 0 for None.

    This is no model's tokenizer: it is the same for every teacher and student, needs no vocabulary, and comes to
    roughly three quarters of what a language model's tokenizer counts on prose with code. Limits that a model sets
    (its context length) are the trainer's to check, with the model's own tokenizer.
    """
    return len(words_of(text)) if text else 0


@lru_cache(maxsize=2)  # several who ask for the same text's, one after the other
def words_of(text: str) -> list[str]:
    """Return the words, numbers and punctuation marks of a text; the list is not to be changed."""
    return _TOKEN.findall(text)


def text_hash(*parts: str | None) -> str:
    """Return a hash of texts that keeps apart where one ends and the next begins."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = (part or "").encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:ID_LENGTH]


def normalised_code(code: str) -> str:
    """Return a candidate's module without comments and layout, for comparing, not for running.

    Python comments and line breaks go by Python's own tokenizer. Strings hold the CUDA source: C comments and runs of
    white space inside them go too (in every string, so that two modules which differ only in such a string of
    Python's own count as the same). What Python can't tokenize is compared with its white space collapsed only.
    """
    words: list[str] = []
    try:
        for kind, text in python_tokens(code) or _slowly(code):
            words.append(" ".join(_C_COMMENT.sub(_kept, text[1:-1]).split()) if kind == STRING else text)
    except (tokenize.TokenError, SyntaxError):
        return " ".join(code.split())
    return " ".join(words)


def _kept(found: re.Match[str]) -> str:
    return found[1] or " "


def _slowly(code: str) -> Iterator[tuple[int, str]]:
    """Yield what ``python_tokens`` returns, by way of Python's own tokenizer."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE):
            yield LINE, tokenize.tok_name[token.type]
        elif token.type not in _LAYOUT:
            yield STRING if token.type == tokenize.STRING else WORD, token.string
