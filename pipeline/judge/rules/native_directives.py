"""Rules on lines for the preprocessor that the grammar does not know, and on those that change how code is compiled.

What no rule reads as a directive could define, include and paste what other rules look for.
"""

import re
from collections.abc import Iterator

from pipeline.judge.cuda_syntax import text_of
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.native_source import NativeSource

_KNOWN = frozenset({"pragma", "undef", "error", "warning"})  # besides those with nodes of their own
# Another spelling of #, and a directive that a comment or a continued line takes apart.
_DISGUISED = re.compile(r"^\s*(%:|\?\?=|#\s*/\*|#[ \t]*\w*\\\r?$)", re.MULTILINE)
# Of pragmas: names for the linker, other optimisation, which switches checks off, macros kept aside, other files.
_PRAGMAS = frozenset(
    """weak redefine_extname optimize target push_options pop_options reset_options push_macro pop_macro dependency
    implementation interface""".split()  # noqa: SIM905
)


def directives(source: NativeSource) -> Iterator[Finding]:
    """Yield directives that no rule could read, and such as leave the source."""
    for found in _DISGUISED.finditer(source.code):
        line = source.code.count("\n", 0, found.start(1)) + 1
        yield Finding("macro", line, f"a directive that does not look like one: {found[1]}")
    for node in source.of_type("preproc_call"):
        name = text_of(node.child_by_field_name("directive")).removeprefix("#").strip()
        if name not in _KNOWN:
            rule = "include" if name.startswith(("include", "import", "embed")) else "macro"
            yield Finding(rule, node.start_point[0] + 1, text_of(node).strip()[:60])


def pragmas(source: NativeSource) -> Iterator[Finding]:
    """Yield pragmas, those in ``_Pragma("...")`` too, that change what a name stands for or how code is compiled."""
    written = [node for node in source.of_type("preproc_call") if "pragma" in text_of(node).split("(")[0]]
    for node in (*written, *(call for name, call in source.calls if name == "_Pragma")):
        text = text_of(node).strip()
        if _PRAGMAS & set(re.findall(r"\w+", text)):
            yield Finding("linkage", node.start_point[0] + 1, text[:60])
