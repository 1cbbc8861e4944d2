"""What a candidate's process needs of a backend; a backend's module of these functions is its device."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from pipeline.judge.inputs import Order
from pipeline.judge.simt.fault import Fault

MODULE = "candidate"  # the name that the module which is judged has in its process


class Launched(Protocol):
    """A kernel that ran."""

    @property
    def kernel(self) -> str: ...  # noqa: D102  (its name as launched)


class Device(Protocol):
    """The functions of a backend; ``pipeline.judge.simt.device`` is the module to read first."""

    def install(self) -> None:
        """Prepare torch in this process, or in the one that forks it; once."""

    def set_fault_page(self, fd: int) -> None:
        """Have faults of kernels written to a shared file."""

    def load(self, path: Path) -> Any:
        """Return a built extension, its exported functions as attributes."""

    def guard(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a copy on the device in whose surroundings stray accesses are found."""
        ...

    def holds(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor lies in guarded memory, as far as the backend tells."""
        ...

    def place(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor where the device's tensors are, unguarded."""
        ...

    def on_device(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is where the device's tensors are."""
        ...

    def check_guards(self) -> None:
        """Raise what was found around guarded tensors."""

    def release_guards(self) -> None:
        """Forget the guarded tensors so far."""

    def fault_of(self, error: BaseException) -> Fault | None:
        """Return the kernel's fault that an exception stands for, None if it stands for itself."""
        ...

    def set_order(self, order: Order, seed: int) -> None:
        """Set the order of threads, where the backend has a choice."""

    def set_launching(self, launching: bool) -> bool:
        """Let kernels run or not; return whether the backend can do that."""
        ...

    def set_watching(self, watching: bool) -> None:
        """Let host code's accesses to device memory be found, where the backend can."""

    def buffers(self) -> list[tuple[int, int]]:
        """Return address and size of the memory that launchers keep for themselves, if the host can read it."""
        ...

    def regions(self) -> list[tuple[int, int]]:
        """Return address and size of global memory that kernels may use, tensors' too, if the host can change it."""
        ...

    def copies(self) -> tuple[int, int]:
        """Return how many bytes launchers had copied to another layout, and how many floats to integers or booleans.

        Only what torch's own operators do not do.
        """
        ...

    def poisons(self) -> bool:
        """Return whether fresh memory never holds an earlier result."""
        ...

    def launches(self) -> Sequence[Launched]:
        """Return the candidate's kernels that ran since ``reset_launches``, some thousands of them at most."""
        ...

    def reset_launches(self) -> None:
        """Forget the launches so far."""

    def host_bytes(self) -> int:
        """Return how many bytes of device memory came within reach of host code so far."""
        ...
