"""Task, Candidate, Verdict, Sample: what the stages hand to each other.

Every record is frozen and its ``id`` is a hash of its content. Nothing here holds a sentinel: what is not known
is None, and a status says which fields must exist.
"""

import hashlib
import json
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, computed_field, model_validator

ID_LENGTH = 16  # hex digits; 64 bits: a collision among ten million records has probability 3e-6

Split = Literal["train", "heldout"]
Role = Literal["system", "user", "assistant"]
VerdictStatus = Literal[
    "correct",        # every check passed: the only accepted status
    "incorrect",      # ran, and gave something else than the reference
    "compile_error",  # the CUDA source does not compile
    "runtime_error",  # raised, crashed or touched memory that is not its own
    "timeout",        # did not end within its budget
    "malformed",      # no candidate: no code, Python that does not parse, no ModelNew
    "cheating",       # a rule or an honesty check fired
    "unsupported",    # this backend can't decide; says nothing about the candidate
]  # fmt: skip


def content_hash(value: Any) -> str:
    """Return ``ID_LENGTH`` hex digits of the SHA-256 of the value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


class Record(BaseModel):
    """Base of the frozen records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Record):
    """One chat message; ``reasoning`` is the trace that came apart from the content, if any."""

    role: Role
    content: str
    reasoning: str | None = None


class Setting(Record):
    """A named set of values for the reference module's module-level integers; empty means the module's own."""

    name: str
    sizes: dict[str, int] = {}


class Task(Record):
    """A PyTorch reference for which a CUDA kernel is wanted.

    ``reference`` is the source of a KernelBench module: ``Model``, ``get_inputs``, ``get_init_inputs`` and sizes as
    module-level integers. ``settings`` override those sizes; the first one is the task's own. ``level`` counts the
    operators for composed tasks and is KernelBench's level for its problems.
    """

    name: str
    reference: str
    settings: tuple[Setting, ...] = (Setting(name="own"),)
    direction: Literal["forward", "backward"] = "forward"
    category: str
    level: int | None = None
    source: str
    licence: str | None = None
    split: Split = "train"

    @computed_field
    @property
    def id(self) -> str:
        """Hash of what a candidate is judged against: the source, its settings and the direction."""
        settings = [s.model_dump() for s in self.settings]
        return content_hash([self.reference, settings, self.direction])


CandidateStatus = Literal["complete", "no_code", "truncated", "empty"]


class Candidate(Record):
    """One answer of a teacher or model, with everything needed to trace it to the bytes that were received.

    ``messages`` is the whole conversation and ends with the answer itself. ``code`` is the module with ``ModelNew``
    that was found in it, None unless ``status`` is ``complete``. ``request_id`` names the answer's line in the
    stage's ``requests.jsonl``, which holds what the server sent.
    """

    task_id: str
    sample: int
    turn: int
    parents: tuple[str, ...] = ()
    teacher: str
    sampling: dict[str, float | int | str | None] = {}
    messages: tuple[Message, ...]
    reasoning: str | None
    code: str | None
    status: CandidateStatus
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    request_id: str | None = None

    @model_validator(mode="after")
    def _status_decides_code(self) -> Self:
        if (self.status == "complete") != (self.code is not None):
            raise ValueError(f"status {self.status!r} contradicts code={'None' if self.code is None else '...'}")
        return self

    @computed_field
    @property
    def id(self) -> str:
        """Hash of the conversation and of the place in the rollout."""
        messages = [m.model_dump() for m in self.messages]
        return content_hash([self.task_id, self.sample, self.turn, self.teacher, messages])


SETTINGS = "settings"  # the check whose figures tell the sizes of each setting


class Check(Record):
    """One check of the judge, its figures beside its result; ``detail`` is one line for a person or a model.

    Checks of one case are called ``correct:SETTING/CALL/INPUTS/ORDER``.
    """

    name: str
    passed: bool
    detail: str | None = None
    figures: dict[str, float | int | str | None] = {}


class Timing(Record):
    """Speed against the eager reference on a GPU; times in milliseconds, medians; the interval is of the ratio.

    ``compile_ms`` and ``graph_ms`` are torch.compile's and a CUDA graph's of the reference, None where it can't be
    compiled or captured. ``roofline_ms`` is a lower bound for the task, ``own_kernel_share`` the share of device time
    in the candidate's own kernels, ``flags`` what a reader should know (``throttled: ...``, ``unsteady``,
    ``beyond_roofline``, ``mostly_not_own_kernels``).
    """

    candidate_ms: float
    eager_ms: float
    speedup: float
    speedup_low: float
    speedup_high: float
    compile_ms: float | None = None
    graph_ms: float | None = None
    roofline_ms: float | None = None
    own_kernel_share: float | None = None
    flags: tuple[str, ...] = ()
    device: str | None = None
    driver: str | None = None
    sm_mhz: int | None = None


class Verdict(Record):
    """What the judge decided about one candidate. One that contradicts itself can't be constructed.

    ``seeds`` is the text from which sizes, inputs and weights were drawn: as ``judge.seeds`` it gives them again.
    """

    candidate_id: str
    status: VerdictStatus
    reason: str | None
    checks: tuple[Check, ...] = ()
    timing: Timing | None = None
    backend: str
    device: str | None = None
    sandbox: str | None = None
    seeds: str | None = None
    judge_version: str

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        failed = [c.name for c in self.checks if not c.passed]
        if self.status == "correct":
            if self.reason is not None or failed or not self.checks:
                raise ValueError("a correct verdict needs checks, all passed, and no reason")
        elif self.reason is None:
            raise ValueError(f"a verdict of status {self.status!r} needs a reason")
        if self.timing is not None and (self.status != "correct" or self.backend != "cuda"):
            raise ValueError("only a correct candidate on the cuda backend is timed")
        return self

    @computed_field
    @property
    def accepted(self) -> bool:
        """Whether the candidate may be used as a right answer."""
        return self.status == "correct"

    @property
    def detail(self) -> str | None:
        """The line of the first failed check."""
        return next((c.detail for c in self.checks if not c.passed), None)

    @computed_field
    @property
    def id(self) -> str:
        """Hash of the decision and of what it rests on."""
        checks = [c.model_dump() for c in self.checks]
        return content_hash([self.candidate_id, self.status, self.reason, checks, self.backend, self.judge_version])


def hash_of_texts(*parts: tuple[Message, ...]) -> str:
    """Return ``content_hash`` of what the messages say."""
    return content_hash([[message.model_dump() for message in part] for part in parts])


class Sample(Record):
    """One training example, traceable to its task, candidate and verdict.

    ``prompt`` and ``completion`` are chat messages; the completion's trace is in its ``reasoning``. ``edits`` names
    what curation changed in the text (nothing: empty).
    """

    task_id: str
    candidate_id: str
    verdict_id: str
    category: str
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    reasoning_tokens: int
    completion_tokens: int
    speedup: float | None = None
    licence: str | None = None
    edits: tuple[str, ...] = ()

    @computed_field
    @property
    def id(self) -> str:
        """Hash of the text that a model is trained on."""
        return hash_of_texts(self.prompt, self.completion)
