"""Reads nvcc's messages: is the source wrong, or does the look-alike of torch lack something that torch has?"""

import re

from pipeline.judge.simt.features import FOREIGN_NAME

MAX_LOG_LINES = 30
# nvcc's front end names the line in parentheses, the host compiler and the preprocessor between colons.
_ERROR = re.compile(
    r"^(?P<file>[^:()\n]+)[:(](?P<line>\d+)(?:\)|:\d+)?: (?:fatal |catastrophic )?error(?: #[\w-]+)?: (?P<text>.*)$",
    re.MULTILINE,
)
_OURS = r"(?:at|torch|c10|caffe2|pybind11|py|simt|at::cuda|c10::cuda)"
_NOT_A_MEMBER = re.compile(
    rf'(?:namespace|class|struct) "(?P<scope>{_OURS}(?:::\w+)*)[^"]*" has no member "(?P<name>[^"]+)"'
)
_UNDEFINED = re.compile(r'identifier "(?P<name>[^"]+)" is undefined|(?P<macro>\w+)\W* was not declared in this scope')
_NO_HEADER = re.compile(r'cannot open source file "(?P<name>[^"]+)"|(?P<other>\S+): No such file or directory')
_ABOUT_OURS = re.compile(rf"\b{_OURS}::\w+")
# torch has no conversion from a pointer either.
_FROM_POINTER = re.compile(r'no suitable (?:constructor|user-defined conversion).* from "[^"]*\*"')
_PTXAS = re.compile(r"^ptxas (?:error|fatal)\s*: (?P<text>.*)$", re.MULTILINE)
_UNDEFINED_SYMBOL = re.compile(r"undefined reference to [`'](?P<name>.*)'")


def missing_construct(log: str) -> str | None:
    """Return the name that the first error says is lacking if torch or CUDA may have it, None if it can't be that.

    Only the first error counts: later ones follow from it.
    """
    first = _ERROR.search(log)
    if first is None or _FROM_POINTER.search(first["text"]):
        return None
    text = first["text"]
    if header := _NO_HEADER.search(text):
        return header["name"] or header["other"]
    if found := _NOT_A_MEMBER.search(text):
        return f"{found['scope']}::{found['name']}"
    if found := _UNDEFINED.search(text):
        name = found["name"] or found["macro"]
        return name if FOREIGN_NAME.fullmatch(name.split("::")[-1]) else None
    found = _ABOUT_OURS.search(text)
    return "this use of torch's interface" if _in_a_header(first["file"]) else found and found[0]


def relevant(log: str) -> str:
    """Return the errors in the candidate's own lines, without local paths."""
    errors = [match[0] for match in _ERROR.finditer(log) if not _in_a_header(match["file"])]
    errors += [f"ptxas: {match['text']}" for match in _PTXAS.finditer(log)]
    errors += [f"undefined reference to {match['name']}" for match in _UNDEFINED_SYMBOL.finditer(log)]
    lines = list(dict.fromkeys(errors)) or [line for line in log.splitlines() if "error" in line.lower()]
    return "\n".join(re.sub(r"(?<![\w.])/\S*/", "", line) for line in lines[:MAX_LOG_LINES])


def names_an_error(log: str) -> bool:
    """Whether the compiler or the linker says what is wrong with the source, rather than crash."""
    return any(pattern.search(log) for pattern in (_ERROR, _PTXAS, _UNDEFINED_SYMBOL))


def _in_a_header(file: str) -> bool:
    return file.startswith("/")
