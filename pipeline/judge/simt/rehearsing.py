"""In the candidate's process: one call at sizes that this machine can't afford, to see whether its launches can be.

Host code runs, kernels do not, and tensors have no memory: the constructor's weights are never filled, what is read
from the device is not there, and whoever touches memory dies of it.
"""

from types import ModuleType
from typing import Any

import torch

from pipeline.judge import calling
from pipeline.judge.simt import binding
from pipeline.judge.simt.fault import read_fault
from pipeline.judge.simt.unbacked import Unbacked, like, unbacked
from pipeline.judge.task_module import describe
from pipeline.judge.torch_values import DTYPES
from pipeline.judge.values import unpack


def rehearse(module: ModuleType, request: dict[str, Any]) -> dict[str, Any]:
    """Construct ModelNew and call it, for ``{"shapes", "bytes"}``, see ``meta.arguments``, and ``"backward"``.

    Returns {"refused": the first launch that breaks a limit for good, or None, "undecided": why the call did not come
    to its end, or None, "ended": whether it did, and depended on no value, "launches": how many kernels would have
    run, "torch_operators": of the call, those that would have computed something}.
    """
    runtime = binding.runtime()
    if runtime is None:
        return {"refused": None, "undecided": "nothing was built"}
    torch.set_grad_enabled(False)
    binding.set_launching(False)
    runtime.simt_set_rehearsing(True)
    binding.reset_launches()
    mode = Unbacked(runtime)
    undecided = None
    try:
        _call(module, request, mode)
    except BaseException as error:  # noqa: BLE001  (whatever the candidate raises, SystemExit too, is data)
        undecided = describe(error, "<candidate>")
    ended = undecided is None and not runtime.simt_has_read()
    found = runtime.simt_refusal()
    refused = read_fault(found.contents.raw) if found else None
    if refused and undecided is None and mode.computing:
        refused, undecided = None, f"{refused}; torch may have done its work"
    if undecided is None and not ended:
        undecided = "what it launches may depend on values that it reads"
    return {
        "refused": refused and str(refused),
        "undecided": undecided,
        "ended": ended,
        "launches": binding.launch_count(),
        "torch_operators": sorted(mode.computing),
    }


def _call(module: ModuleType, request: dict[str, Any], mode: Unbacked) -> None:
    buffers = [range(size) for size in request["bytes"]]  # their lengths are all that is asked of them
    values = unpack(request["shapes"], buffers, _made)
    with mode:
        model = module.ModelNew(*values["init"])
    for tensor in [*torch.nn.Module.parameters(model), *torch.nn.Module.buffers(model)]:
        tensor.data = like(tensor.data)
    mode.computing.clear()
    with mode:
        if request["backward"]:
            calling.backward(model, values["inputs"], lambda outputs: [like(output) for output in outputs])
        else:
            calling.forward(model, values["inputs"])


def _made(dtype: str, shape: list[int], _: Any, strides: list[int]) -> torch.Tensor:
    return unbacked(shape, strides, DTYPES[dtype])
