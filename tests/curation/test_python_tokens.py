"""Python's tokens by one pattern, against Python's own tokenizer."""

import tokenize
from io import StringIO

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.curation.python_tokens import LINE, STRING, WORD, python_tokens
from tests.honest.pairs import pairs

PIECES = ["x", "if x:", "\n", "\n    ", "\n\t", "\n  ", "(", ")", "[", "]", "{", "}", "'a'", '"b\\"c"', '"""d\n  e"""', "'''",
          "'", '"', "rb'f'", "f'{g}'", "# h", "\\\n", " ", "0x1f", "1e-5", ".5j", "1_000", "01", "->", ":=", "...", "**=", "$",
          "!", "é", "½", "\r\n", "\f", "\x00", ",", "lambda: 0"]  # fmt: skip


def by_python(code):
    """What ``python_tokens`` is to return, None where Python's tokenizer fails."""
    found = []
    try:
        for token in tokenize.generate_tokens(StringIO(code).readline):
            if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE):
                found.append((LINE, tokenize.tok_name[token.type]))
            elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER):
                found.append((STRING if token.type == tokenize.STRING else WORD, token.string))
    except (tokenize.TokenError, SyntaxError):
        return None
    return found


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_what_is_decided_is_what_python_says(code):
    found = python_tokens(code)
    assert found is None or found == by_python(code)


def test_kernels_are_decided():
    for pair in pairs():
        assert python_tokens(pair.code) == by_python(pair.code) is not None
