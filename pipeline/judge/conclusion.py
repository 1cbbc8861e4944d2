"""What all calls of a candidate have shown, and what follows from it."""

from dataclasses import dataclass, field

from pipeline.judge.answers import Answer, Expected
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.settings import fixed_sizes

# A launcher may read a few numbers (a length, an index); more is data to compute with, or most of what there is.
MAX_HOST_BYTES, LEAST_HOST_BYTES, MAX_HOST_SHARE = 1024, 64, 0.5


@dataclass
class Shown:
    """What the calls so far have shown.

    Attributes:
        errors: by setting: the largest relative error and its bound.
        failures: by setting, under policy report.
        operators: of torch, that computed something.
        host_bytes: the most that one call brought to the host.
        too_many: the same, of the calls that brought more than they may.
        launches: of one call, the last one that was right.
        needs_its_kernels: a result was wrong when they did nothing.
        names: the candidate's, of the reference's weights.
        chooses: what the reference gives turns on which values are equal.
        takes_roots: the reference does, of numbers that may be differences.
    """

    errors: dict[str, tuple[float, float]] = field(default_factory=dict)
    failures: dict[str, Decided] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    host_bytes: int = 0
    too_many: int = 0
    launches: int = 0
    needs_its_kernels: bool = False
    names: dict[str, str] | None = None
    chooses: bool = False
    takes_roots: bool = False

    def note(self, expected: Expected, given: Answer) -> None:
        """Note what a call has shown, right or wrong."""
        self.names = given.names
        self.operators |= given.torch_operators
        self.host_bytes = max(self.host_bytes, given.host_bytes)
        self.too_many = max(self.too_many, too_many(given.host_bytes, expected.given_bytes))
        self.chooses |= expected.chooses
        self.takes_roots |= expected.takes_roots

    def asks_for(self, case: Case) -> bool:
        """Whether a case can show something: equal values where results turn on them, a root that is none."""
        if case.distribution == "level":
            return self.takes_roots
        return self.chooses or case.distribution != "coarse"


def too_many(host_bytes: int, given_bytes: int) -> int:
    """Return the bytes that a call brought to the host if they are too many for what it was given, else 0."""
    most = min(MAX_HOST_BYTES, max(LEAST_HOST_BYTES, int(MAX_HOST_SHARE * given_bytes)))
    return host_bytes if host_bytes > most else 0


def conclude(judgement: Judgement, shown: Shown) -> None:
    """Note what a right and honest candidate has shown; raises ``Decided`` if it is not."""
    if not shown.errors and shown.failures:
        decided = next(iter(shown.failures.values()))
        if fixed := fixed_sizes(judgement.task.reference, judgement.code):
            detail = f"the code holds the sizes {fixed}, which this backend can't afford; wrong at those it can"
            raise judgement.failed("correct", "unsupported", "fixed_sizes", detail)
        note = next(c for c in judgement.checks if c.name.startswith("specialised:"))
        raise judgement.failed("correct", decided.status, decided.reason, note.detail)
    if not shown.errors:
        detail = "no setting fits this backend's budget"
        raise judgement.failed("correct", "unsupported", "too_large", detail)
    if not shown.needs_its_kernels:
        detail = "the results are right even if its kernels do nothing: they are decoys"
        raise judgement.failed("own_kernels", "cheating", "decoy_kernels", detail)
    for name, (error, bound) in shown.errors.items():
        judgement.passed(f"correct:{name}", error=error, bound=bound)
    if shown.operators and judgement.strict:
        detail = f"forward computes with torch: {', '.join(sorted(shown.operators))}"
        raise judgement.failed("own_kernels", "cheating", "torch_computes", detail)
    if shown.too_many and judgement.strict:
        detail = f"forward brings {shown.too_many} bytes of device memory to the host, where no kernel runs"
        raise judgement.failed("own_kernels", "cheating", "host_computes", detail)
    judgement.passed(
        "own_kernels",
        torch_operators=", ".join(sorted(shown.operators)) or None,
        host_bytes=shown.host_bytes,
        launches=shown.launches,
        weights="by_seed" if shown.names is None else "by_name" if _same(shown.names) else "by_value",
    )


def _same(names: dict[str, str]) -> bool:
    return all(name == own for name, own in names.items())
