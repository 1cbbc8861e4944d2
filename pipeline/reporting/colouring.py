"""Python with CUDA in its strings, as HTML in which the two are told apart by colour."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from pygments.token import _TokenType

CUDA_MARK = "__global__"  # a string that holds it is a source of its own


def coloured(code: str) -> Markup:
    """Return the code, escaped, with a ``span`` around comments (c), keywords (k), strings (s) and numbers (n).

    Whatever the code is, its text stays the same, but for line ends (all become a line feed) and a leading byte order
    mark: what no lexer understands is left plain.
    """
    parts = (
        Markup('<span class="{}">{}</span>').format(name, text) if name else escape(text)
        for name, text in _runs(_python(code))
    )
    return Markup().join(parts)


def _python(code: str) -> Iterator[tuple["_TokenType", str]]:
    from pygments.lexers.python import PythonLexer
    from pygments.token import String

    tokens = PythonLexer(stripnl=False, ensurenl=False).get_tokens(code)
    for is_string, group in groupby(tokens, key=lambda token: token[0] in String):
        found = list(group)
        text = "".join(part for _, part in found)
        yield from _cuda(text) if is_string and CUDA_MARK in text else found


def _cuda(text: str) -> Iterator[tuple["_TokenType", str]]:
    from pygments.lexers.c_like import CudaLexer

    return CudaLexer(stripnl=False, ensurenl=False).get_tokens(text)


def _runs(tokens: Iterator[tuple[Any, str]]) -> Iterator[tuple[str, str]]:
    """Yield class and text of what is coloured alike, in one piece: fewer spans, a smaller page."""
    for name, group in groupby(tokens, key=lambda token: _class(token[0])):
        yield name, "".join(text for _, text in group)


def _class(token: Any) -> str:
    from pygments.token import Comment, Keyword, Number, String

    if token in Comment.Preproc or token in Comment.PreprocFile:
        return "k"
    kinds = ((Comment, "c"), (Keyword, "k"), (String, "s"), (Number, "n"))
    return next((name for kind, name in kinds if token in kind), "")
