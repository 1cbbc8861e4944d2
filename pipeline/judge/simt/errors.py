"""What can go wrong with a candidate's CUDA source on this backend."""

from pipeline.judge.simt.fault import Fault


class Unsupported(Exception):  # noqa: N818  (nothing is wrong: this backend can't run it)
    """The source uses something that this backend does not have; says nothing about the candidate.

    ``construct`` is its name: ``cub``, ``inline PTX``, ``torch::matmul``.
    """

    def __init__(self, construct: str, detail: str | None = None) -> None:
        super().__init__(f"this backend does not run {construct}" + (f": {detail}" if detail else ""))
        self.construct = construct


class CompileError(Exception):
    """The candidate's C++ is wrong; ``log`` holds the compiler's errors with the candidate's own line numbers."""

    def __init__(self, log: str) -> None:
        super().__init__(log)
        self.log = log


class ForbiddenError(Exception):
    """The candidate's native code imports what no kernel has a use for; ``names`` are the symbols."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"the native code calls {', '.join(names)}")
        self.names = names


class CompileTimeoutError(TimeoutError):
    """The compiler did not finish in time."""


class SimtFault(Exception):  # noqa: N818  (the vocabulary of GPUs)
    """A kernel did something that a GPU would refuse or that has no defined result."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault
