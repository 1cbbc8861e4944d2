"""From a chat answer to its parts: the reasoning, the module with ``ModelNew``, and whether the answer is whole."""

import re
from typing import NamedTuple

from pipeline.records import CandidateStatus
from pipeline.teachers import Reply

OPEN, CLOSE = "<think>", "</think>"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # neither UTF-8 nor a C compiler takes these
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`]*)")
_MODEL_NEW = re.compile(r"\bclass\s+ModelNew\b")


class Parsed(NamedTuple):
    """What was found in an answer; ``code`` is there exactly when ``status`` is ``complete``."""

    reasoning: str | None
    code: str | None
    status: CandidateStatus


def parse(reply: Reply) -> Parsed:
    """Return the parts of an answer; any text is an answer.

    The code is the last closed fenced block outside the reasoning that defines ``ModelNew``. An answer that ends
    inside its reasoning or inside a block, or that the server cut off, is ``truncated`` if no such block came before.
    """
    reasoning, answer = split_reasoning(clean(reply.content))
    if reply.reasoning:
        reasoning = clean(reply.reasoning).strip() or reasoning
    blocks, open_block = _fenced_blocks(answer or "")
    code = next((block for block in reversed(blocks) if _MODEL_NEW.search(block)), None)
    if code is not None:
        return Parsed(reasoning, code, "complete")
    if answer is None or open_block or reply.finish_reason == "length":
        return Parsed(reasoning, None, "truncated")
    if not answer.strip() and reasoning is None:
        return Parsed(None, None, "empty")
    return Parsed(reasoning, None, "no_code")


def clean(text: str) -> str:
    """Return the text with NULs and lone surrogates replaced, so that JSON and Parquet can hold it."""
    return _UNSTORABLE.sub("\ufffd", text)


def split_reasoning(content: str) -> tuple[str | None, str | None]:
    """Return the reasoning at the head of an answer and the answer proper, None for a part that is missing.

    Where a server's template puts ``<think>`` into the prompt, the answer holds the closing tag alone. The answer
    proper is None if the reasoning never ends.
    """
    head, closing, rest = content.partition(CLOSE)
    if closing:
        return head.replace(OPEN, "", 1).strip() or None, rest.lstrip("\r\n")
    if content.lstrip().startswith(OPEN):
        return content.lstrip().removeprefix(OPEN).strip() or None, None
    return None, content


def _fenced_blocks(text: str) -> tuple[list[str], bool]:
    """Return the contents of the closed fenced blocks, and whether a last block is left open.

    A fence closes with a line of the same character, at least as long, and nothing else, as in CommonMark; fences
    may be indented further than there, because models put blocks into lists.
    """
    blocks: list[str] = []
    fence, start, position = None, 0, 0
    for line in text.split("\n"):
        end = position + len(line) + 1
        bare = line.strip()
        if fence is None:
            opening = _FENCE.fullmatch(line.rstrip())
            if opening:
                fence, start = opening[1], end
        elif bare.startswith(fence) and not bare.strip(fence[0]):
            blocks.append(text[start:position])
            fence = None
        position = end
    return blocks, fence is not None
