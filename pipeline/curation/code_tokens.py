"""A module's code as tokens, with the names that it makes up itself told apart from those that mean something."""

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.curation.features import normalised_code

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|<<<|>>>|[-=!<>+*/%&|^]=|->|::|&&|\|\||<<|>>|[^\w\s]")
_NAME = re.compile(r"[^\W\d]\w*")
_MEMBER = (".", "->", "::")
_ENDS = ("(", ";", ",", ")", "[", ":")
_NO_TYPE = {  # a name after one of these is used, not declared
    "return", "else", "case", "goto", "in", "is", "not", "and", "or", "if", "while", "elif", "assert", "yield", "del",
    "raise", "print", "sizeof", "new", "delete", "throw", "lambda", "from", "import", "except", "with", "await",
    "NEWLINE", "INDENT", "DEDENT",
}  # fmt: skip


@lru_cache(maxsize=4)  # several filters ask for the same candidate's, one after the other
def code_tokens(code: str) -> tuple[str, ...]:
    """Return names, numbers, operators and marks of a module without comments and layout, strings opened up."""
    return tuple(_TOKEN.findall(normalised_code(code)))


def made_up(tokens: Sequence[str]) -> set[str]:
    """Return the names that the code declares: functions, classes, parameters, variables, Python's and CUDA's.

    Found by their surroundings, not by a parser: a name that is assigned to, or that follows a type, ``*``, ``&``,
    ``def`` or ``class`` where a declaration can stand. What is only used (``expf``, ``threadIdx``, ``torch``,
    members) is none.
    """
    found = _parameters(tokens)
    names = {token for token in set(tokens) if _NAME.match(token)}
    for before, name, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        if name not in names or before in _MEMBER:
            continue
        after_type = before in names and before not in _NO_TYPE
        after_mark = before in ("*", "&") and len(name) > 1
        if (
            after == "="
            or before == "for"
            or (after_type and after in _ENDS)
            or (after_mark and after in (",", ")", ";"))
        ):
            found.add(name)
    return found


def _parameters(tokens: Sequence[str]) -> set[str]:
    """Return the names of the parameters of Python's functions, which have no type before them."""
    found: set[str] = set()
    depth = 0  # of brackets inside a list of parameters; 0 outside of one
    for i, word in enumerate(tokens):
        if depth:
            depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
            if depth == 1 and tokens[i - 1] in ("(", ",", "*") and _NAME.match(word):
                found.add(word)
        elif word == "(" and i >= 2 and tokens[i - 2] == "def":
            depth = 1
    return found


def renamed(code: str) -> str:
    """Return the code's tokens with every made-up name replaced by its number in the order of appearance.

    Two kernels that differ in comments, layout and such names alone give the same text.
    """
    tokens = code_tokens(code)
    own = made_up(tokens)
    numbers: dict[str, str] = {}
    words = list(tokens)
    for i in [i for i, token in enumerate(tokens) if token in own]:
        if not i or tokens[i - 1] not in _MEMBER:
            words[i] = numbers.setdefault(tokens[i], f"${len(numbers)}")
    return " ".join(words)
