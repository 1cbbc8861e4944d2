"""What a launcher asks of torch in C++ (at::matmul, x.sum()) done by torch in Python, where it is seen.

See include/simt/operators.h: names and the order of arguments are those of torch.ops.aten.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import torch

from pipeline.judge.simt.library import Value
from pipeline.judge.simt.values import STRING, Frame, take

TorchCallback = ctypes.PYFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(Value), ctypes.c_int, ctypes.POINTER(Value)
)


def make_callback(library: ctypes.PyDLL, guard: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return the C function that calls an operator; keep it as long as the library calls it.

    New tensors are guarded like all that kernels write to, unless gradients are to flow through them.
    """
    kept: list[bytes] = []  # the last message, which C++ reads after the call

    def call(name: bytes, operands: Any, count: int, result: Any) -> int:
        try:
            arguments = [take(library, operands[i]) for i in range(count)]
            found = getattr(torch.ops.aten, name.decode())(*arguments)
            if not any(found is argument for argument in arguments) and not found.requires_grad:
                found = guard(found)
            if Frame(library).put(result.contents, "t", found):
                return 0
            message = f"a result of dtype {found.dtype} is not supported"
        except Exception as error:  # noqa: BLE001  (it goes on as a C++ exception)
            message = str(error)
        kept[:] = [message.encode()]
        result.contents.tag, result.contents.s = STRING, kept[0]
        return 1

    return TorchCallback(call)
