"""The probability of an answer: the sum of its tokens' log-probabilities, which is all that is kept of them.

A server sends ``{"content": [{"token", "logprob", ...}, ...]}`` in a choice's ``logprobs``, some hundred bytes a
token. What is kept in their place is ``{"sum": natural logarithm, "count": tokens}``, which no server sends.
"""

import math
from typing import Any, NamedTuple

MOST = 2**53  # what a server sends is looked at: no number of tokens, nor their bits, comes near


class Scored(NamedTuple):
    """The log-probability of an answer and the number of tokens that it is the sum of; None where it is not known."""

    log_probability: float | None
    scored_tokens: int | None


UNKNOWN = Scored(None, None)


class Sum:
    """Adds up what a server sends, in one piece or with the chunks of a stream; ``seen``: it sent something."""

    def __init__(self) -> None:
        self.seen = False
        self._values: list[float] = []
        self._broken = False

    def add(self, sent: Any) -> None:
        """Take a choice's ``logprobs``. One token without a number, and the whole is not known."""
        tokens = sent.get("content") if isinstance(sent, dict) else None
        if not isinstance(tokens, list):
            return
        self.seen = True
        for token in tokens:
            value: Any = token.get("logprob") if isinstance(token, dict) else None
            if type(value) not in (int, float) or not -MOST < value <= 0:
                self._broken = True
            else:
                self._values.append(value)

    def told(self) -> dict[str, float | int | None]:
        """Return what is kept."""
        known = bool(self._values) and not self._broken
        return {"sum": math.fsum(self._values), "count": len(self._values)} if known else {"sum": None, "count": None}


def read(choice: dict[str, Any]) -> Scored:
    """Return what a choice of a completion says, as the server sent it or as it is kept."""
    told = _summed(choice).get("logprobs")
    if not isinstance(told, dict) or "sum" not in told or "content" in told:
        return UNKNOWN
    value, count = told["sum"], told.get("count")
    known = type(value) in (int, float) and -MOST < value <= 0 and type(count) is int and 0 < count < MOST
    return Scored(float(value), count) if known else UNKNOWN


def kept(body: Any) -> Any:
    """Return a completion's body with the sums in place of the tokens; one that holds none is returned as it is."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not (isinstance(choices, list) and any(isinstance(c, dict) and _has_tokens(c) for c in choices)):
        return body
    return {**body, "choices": [_summed(choice) for choice in choices]}


def _has_tokens(choice: dict[str, Any]) -> bool:
    sent = choice.get("logprobs")
    return isinstance(sent, dict) and isinstance(sent.get("content"), list)


def _summed(choice: Any) -> Any:
    if not isinstance(choice, dict) or not _has_tokens(choice):
        return choice
    found = Sum()
    found.add(choice["logprobs"])
    return {**choice, "logprobs": found.told()}
