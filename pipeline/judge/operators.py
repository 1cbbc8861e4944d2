"""Which torch operators ran while a candidate's forward did."""

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.judge.moving import MOVING


class OperatorLog(TorchDispatchMode):
    """Context manager; afterwards ``computing`` holds the names of the operators that computed something.

    ``scalars`` counts the elements that became Python numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.computing: set[str] = set()
        self.scalars = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import torch._dynamo at the first operator: 1.5 seconds and writes to the disk

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        library, name, *_ = str(func).split(".")
        if library != "aten" or name not in MOVING:  # another library's "empty" may do anything
            self.computing.add(name if library == "aten" else f"{library}::{name}")
        self.scalars += name == "_local_scalar_dense"
        return func(*args, **(kwargs or {}))
