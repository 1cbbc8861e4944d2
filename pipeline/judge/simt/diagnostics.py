"""Reads the compiler's messages: whose fault is it, and what should the author of the source be told?"""

import re
import subprocess

from pipeline.judge.simt.errors import CompileError, Unsupported
from pipeline.judge.simt.features import FOREIGN_NAME

MAX_LOG_LINES = 30
_ERROR = re.compile(
    r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?P<kind>fatal error|error): (?P<text>.*)$", re.MULTILINE
)
_QUOTED = r"'(?P<name>[^']+)'"
# Messages about a name; what they quote decides whether the name could exist in CUDA or torch.
_NOT_A_MEMBER = re.compile(rf"{_QUOTED} (?:is not a member of|has not been declared in) '(?P<scope>[^']+)'")
_NO_MEMBER = re.compile(r"'(?P<scope>[^']+)'}? has no member named " + _QUOTED)  # }: after "'T' {aka 'at::Tensor'"
_UNDECLARED = re.compile(
    rf"{_QUOTED} (?:was not declared in this scope|has not been declared|does not name a type|is not a type)"
    r"|there are no arguments to '(?P<dependent>[^']+)' that depend on a template parameter"
)
_NO_HEADER = re.compile(r"^(?P<name>\S+): No such file or directory")
_OUR_SCOPE = re.compile(
    r"(const )?(class |struct |using )?(::)?(at|c10|torch|caffe2|pybind11|py|simt|nvcuda|cuda|at::cuda|c10::cuda"
    r"|cooperative_groups|cg|cub)\b"
)
_OUR_OVERLOADS = re.compile(
    r"no matching function for call to '(at|torch|c10|pybind11|cub|nvcuda|simt::(?!Launch)|Tensor)\b"
    r"|too (many|few) arguments to function '.*\b(at|c10|torch)::\w+\("
    r"|(could not convert|no known conversion|cannot convert '<brace-enclosed initializer list>') .*to '(c10|simt)::"
)
# Tensors compute with operators and are assigned numbers in torch, but not here.
_TENSOR_OPERATOR = re.compile(
    r"no match for '(?P<operator>operator[^']+)' .*operand types? (is|are) .*'(const )?at::Tensor'"
)
# Said of a function before the type of its parameter is called unknown.
_FORERUNNER = re.compile(r"variable or field '[^']+' declared void")
# Macros of torch's: what stands in their arguments (scalar_t) is undeclared before they are.
_UNKNOWN_MACRO = re.compile(r"'(?P<name>(AT|C10|TORCH|LEGACY)_[A-Z]\w+)' was not declared in this scope")
# What nvcc would say too, though it is one of our headers that says it.
_NVCC_SAYS_TOO = re.compile(
    r"uses too much shared data|at most 8 bytes|duplicate 'inline'|torch has no dtype for the type"
)


def explain(log: str, text: str) -> CompileError | Unsupported | None:
    """Return the exception that a failed compilation amounts to, None if the compiler names no error in the source.

    Only an error about something that torch or CUDA may have, and the look-alike lacks, makes it Unsupported; the
    first error decides, because later ones follow from it, but for the name of a macro.
    """
    errors = list(_ERROR.finditer(log))
    if not errors:
        return None
    first = next((error for error in errors if _FORERUNNER.match(error["text"]) is None), errors[0])
    construct = _missing(first["text"]) or _left_over(first, text)
    if construct:
        return Unsupported(construct)
    if macro := _UNKNOWN_MACRO.search(log):
        return Unsupported(macro["name"])
    if _NVCC_SAYS_TOO.search(first["text"]):
        return CompileError(first["text"])
    if first["file"].startswith("/") and "simt" in first["file"]:
        return Unsupported("this use of torch's interface", first["text"])
    return CompileError(_relevant(log))


def may_lack_a_header(log: str, names: frozenset[str]) -> bool:
    """Return whether the larger header, which adds ``names``, could mend the first error.

    It can't mend a syntax error, nor declare a name that it does not have.
    """
    first = _ERROR.search(log)
    if first is None:
        return False
    own = first["text"].startswith("expected ") or _UNDECLARED.match(first["text"])
    return not own or any(name in names for name in re.findall(r"[A-Za-z_]\w*", first["text"]))


def explain_undefined(symbols: list[str]) -> CompileError:
    """Return the exception for symbols that are declared and used but defined nowhere."""
    names = subprocess.run(["c++filt", *symbols], capture_output=True, text=True, check=False).stdout.split("\n")
    found = [name for name in names if name] or symbols
    return CompileError("\n".join(f"undefined reference to {name}" for name in found[:MAX_LOG_LINES]))


def _missing(message: str) -> str | None:
    """Return the name that the look-alike lacks if the message says so."""
    if header := _NO_HEADER.search(message):
        return header["name"]
    for pattern in (_NOT_A_MEMBER, _NO_MEMBER):
        if (found := pattern.search(message)) and _OUR_SCOPE.match(found["scope"]):
            return f"{found['scope'].split('<')[0].split(' ')[-1]}::{found['name']}"
    if found := _UNDECLARED.search(message):
        name = found["name"] or found["dependent"]
        return name if FOREIGN_NAME.fullmatch(name.split("::")[-1]) or _OUR_SCOPE.match(name) else None
    if found := _TENSOR_OPERATOR.search(message):
        return f"at::Tensor::{found['operator']}"
    return message if _OUR_OVERLOADS.search(message) else None


def _left_over(error: re.Match[str], text: str) -> str | None:
    """Return what the translator left untranslated on the error's line, such as a launch in odd syntax."""
    parts = re.split(r'^#line 1 "([^"]+)"\n', text, flags=re.MULTILINE)
    sources = dict(zip(parts[1::2], parts[2::2], strict=True))
    lines = sources.get(error["file"], "").split("\n")
    number = int(error["line"]) - 1
    line = lines[number] if number < len(lines) else ""
    return next((f"this form of {word}" for word in ("<<<", "__shared__") if word in line), None)


def _relevant(log: str) -> str:
    """Return errors and the notes that explain them, without local paths and without lines about our headers."""
    kept = []
    for line in log.splitlines():
        if re.match(r"(main\.cpp|bindings|cuda\.cu):", line) and ": note: " not in line:
            kept.append(re.sub(r"/\S*/", "", line))
        if len(kept) == MAX_LOG_LINES:
            break
    return "\n".join(kept)
