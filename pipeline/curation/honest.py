"""Applies the judge's rules once more to everything that is kept: whoever judged, and under whichever policy.

One hacked sample in a hundred is enough to teach hacking (arXiv 2603.07084), and verdicts may be older than a rule,
or come from the policy that only reports.
"""

from typing import Literal

from pipeline.curation.features import Texts
from pipeline.section import Section

_NATIVE = ("__global__", "#include", "torch::", "at::")


class Config(Section):
    """Has no settings: what the judge's strict policy rejects is dropped."""

    kind: Literal["honest"] = "honest"


def examine(texts: Texts, config: Config) -> str | None:  # noqa: ARG001  (every such filter's signature)
    """Return the first rule that rejects the module or the CUDA and C++ sources in its strings, None if none does.

    A bare ``.cu`` is a source. Those that are put together at run time are seen by the judge alone, when they come to
    the compiler.
    """
    from pipeline.judge.bare import is_bare
    from pipeline.judge.rules import findings_and_texts, native_findings

    try:
        found, parts = ([], [texts.code]) if is_bare(texts.code) else findings_and_texts(texts.code)
    except SyntaxError:
        return "rule:python_syntax"
    if sources := [part for part in parts if any(word in part for word in _NATIVE)]:
        found += native_findings(*sources)
    own = {name.rpartition("/")[2] for name in parts}  # a header that the module writes is one of its sources
    rejecting = (f for f in found if f.rejects and not (f.rule == "include" and f.what in own))
    return next((f"rule:{finding.rule}" for finding in rejecting), None)
