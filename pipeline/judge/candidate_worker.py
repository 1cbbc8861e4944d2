"""The candidate's process: runs the candidate and hands back raw tensors; it decides nothing.

What it reports about itself (exceptions, kernels launched, torch operators called) only ever speaks against the
candidate, or is checked by the parent.
"""

import sys
import types
from typing import Any

import torch

from pipeline.judge import simt_device
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.extension_stub import BuildFailedError, make_stub
from pipeline.judge.operators import OperatorLog
from pipeline.judge.reference_worker import describe
from pipeline.judge.simt import binding
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.torch_values import map_tensors, pack_values, seed_all, unpack_values
from pipeline.judge.values import BadValueError

MODULE = "candidate"
SCALAR_BYTES = 8  # what a tensor's element takes as a Python number


def serve(channel: Channel, fault_page: int) -> None:
    """Answer requests until the parent closes the channel.

    {"op": "load", "code"}: execute the module; each load_inline in it becomes a {"build": ...} request to the parent.
    {"op": "call", "construct", "order", "seed", "values": {"init", "state", "inputs"}}: call ModelNew, answer with
    {"values": {"outputs", "inputs"}, ...}. What goes wrong is answered with {"error": kind, "detail": text}.
    """
    binding.set_fault_page(fault_page)
    simt_device.install()
    candidate = CandidateModule(channel)
    while True:
        try:
            request, buffers = channel.receive()
        except ChannelClosedError:
            return
        try:
            if request["op"] == "load":
                header, answer = candidate.load(request["code"]), []
            else:
                header, answer = candidate.call(request, buffers)
        except SimtFault as found:
            fault = found.fault
            header, answer = {"error": fault.kind, "detail": str(fault)}, []
        except BuildFailedError as error:
            header, answer = {"error": "build_failed", "detail": str(error)}, []
        except BadValueError as error:
            header, answer = {"error": "wrong_type", "detail": f"forward returned {error}"}, []
        except BaseException as error:  # noqa: BLE001  (whatever the candidate raises, SystemExit too, is data)
            header, answer = {"error": "raises", "detail": describe(error, "<candidate>")}, []
        channel.send(header, answer)


class CandidateModule:
    """The candidate's module and the one instance of its ModelNew."""

    def __init__(self, channel: Channel) -> None:
        self._module = types.ModuleType(MODULE)
        self._model: Any = None
        self._inputs: Any = None
        self._state_loaded = False
        stub = make_stub(channel)
        sys.modules["torch.utils.cpp_extension"] = stub
        torch.utils.cpp_extension = stub  # type: ignore[attr-defined]

    def load(self, code: str) -> dict[str, Any]:
        """Execute the module; nothing of it is returned."""
        sys.modules[MODULE] = self._module
        exec(compile(code, "<candidate>", "exec"), self._module.__dict__)  # noqa: S102  (confined)
        if not isinstance(getattr(self._module, "ModelNew", None), type):
            return {"error": "no_model", "detail": "the module defines no class ModelNew"}
        return {"ok": True}

    def call(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Call the model on the values, in place of the earlier ones unless it has to be constructed anew."""
        values = unpack_values(request["values"], buffers)
        torch.set_grad_enabled(False)
        seed_all(request["seed"])
        if request["construct"]:
            self._model = self._module.ModelNew(*values["init"])
            self._inputs = map_tensors(values["inputs"], binding.guard)
            self._guard_parameters()
        else:
            _copy_into(self._inputs, values["inputs"])
        self._load_state(values["state"])
        binding.set_order(request["order"], request["seed"])
        launched, read = len(binding.launches()), binding.host_bytes()
        seed_all(request["seed"])
        with OperatorLog() as log:
            outputs = self._model(*self._inputs)
        binding.check_guards()
        tree, answer = pack_values({"outputs": outputs, "inputs": self._inputs})
        return {
            "values": tree,
            "launches": [launch.kernel for launch in binding.launches()[launched:]],
            "torch_operators": sorted(log.computing),
            "host_bytes": binding.host_bytes() - read + log.scalars * SCALAR_BYTES,
            "aliased": _shares_memory(outputs, self._inputs),
            "state_loaded": self._state_loaded,
        }, answer

    def _guard_parameters(self) -> None:
        for tensor in [*self._model.parameters(), *self._model.buffers()]:
            tensor.data = binding.guard(tensor.data)

    def _load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Give the model the reference's weights, in place, when names and shapes match; else its seeded own stay."""
        own = self._model.state_dict()
        self._state_loaded = {n: t.shape for n, t in own.items()} == {n: t.shape for n, t in state.items()}
        if self._state_loaded:
            for name, tensor in own.items():
                tensor.copy_(state[name])


def _copy_into(targets: Any, values: Any) -> None:
    for index, value in enumerate(values):
        target = targets[index]
        if isinstance(value, torch.Tensor) and target.shape == value.shape and target.dtype == value.dtype:
            target.copy_(value)
        else:
            targets[index] = map_tensors(value, binding.guard)


def _shares_memory(outputs: Any, inputs: Any) -> bool:
    """Whether an output lies in the memory of an input."""
    taken: set[int] = set()
    map_tensors(inputs, lambda t: taken.add(t.untyped_storage().data_ptr()))
    shared: list[bool] = []
    map_tensors(outputs, lambda t: shared.append(t.numel() > 0 and t.untyped_storage().data_ptr() in taken))
    return any(shared)
