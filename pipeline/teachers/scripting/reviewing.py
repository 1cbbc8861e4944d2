"""How the scripted teacher reviews a kernel of its own kind: it compares it with what its rules would write."""

import re
from collections.abc import Sequence
from typing import Literal

from pipeline.records import Message
from pipeline.teachers.scripting.kernels import BARRIER, GUARD, write_module
from pipeline.teachers.scripting.plan import Plan

Subject = Literal["compile", "memory", "numerics"]
WANTED = re.compile(
    r"^A PyTorch module was rewritten .*? decide whether (it compiles|every access|it computes)", re.DOTALL
)
SUBJECTS: dict[str, Subject] = {"it compiles": "compile", "every access": "memory", "it computes": "numerics"}
_NEW = re.compile(r"^```python\n((?:(?!^```).)*?^class ModelNew\b.*?)^```", re.DOTALL | re.MULTILINE)
_CHAIN = re.compile(r"^__device__ float chain\(.*?\{\n(.*?)^\}", re.DOTALL | re.MULTILINE)


def subject(messages: Sequence[Message]) -> Subject | None:
    """Return which review the conversation asks for, None if it asks for a kernel."""
    found = WANTED.search(messages[0].content)
    return SUBJECTS[found[1]] if found else None


def find_answers(messages: Sequence[Message]) -> list[str]:
    """Return the modules with ``ModelNew`` that the user shows, in their order."""
    return [code for m in messages if m.role == "user" for code in _NEW.findall(m.content)]


def find_error(plan: Plan, code: str, wanted: Subject) -> str | None:
    """Return what is wrong with a kernel in this respect, None if nothing is found."""
    own = write_module(plan)
    lines, own_lines = _chain(code), _chain(own)
    match wanted:
        case "compile":
            torn = [line for line in lines if not line.endswith((";", "{", "}"))]
            unknown = [line for line in lines if line == "return result;"]
            return next((f"`{line}` does not compile." for line in torn + unknown), None)
        case "memory":
            if GUARD in own and GUARD not in code:
                return "Threads past the end are not stopped: a read and a write out of bounds."
            if code.count(BARRIER) < own.count(BARRIER):
                return "A barrier is missing between a write to shared memory and its read."
        case "numerics":
            steps = [line.rstrip(";") for line in lines if not line.startswith("return")]
            own_steps = [line.rstrip(";") for line in own_lines if not line.startswith("return")]
            pairs = zip(steps, own_steps, strict=False)
            return next((f"`{a}` should be `{b}`." for a, b in pairs if a != b), None)
    return None


def _chain(code: str) -> list[str]:
    found = _CHAIN.search(code)
    return [line.strip() for line in found[1].splitlines()] if found else []
