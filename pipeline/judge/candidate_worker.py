"""The candidate's process: runs the candidate and hands back raw tensors; it decides nothing.

What it reports about itself (exceptions, kernels launched, torch operators called) only ever speaks against the
candidate, or is checked by the parent.
"""

import sys
import time
import types
from pathlib import Path
from typing import Any

import torch

from pipeline.judge import calling
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.device import Device
from pipeline.judge.extension_stub import BuildFailedError, make_stub
from pipeline.judge.operators import OperatorLog
from pipeline.judge.reference_worker import describe
from pipeline.judge.simt import device as simt
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.torch_values import map_tensors, pack_values, seed_all, unpack_values
from pipeline.judge.values import BadValueError

MODULE = "candidate"
SCALAR_BYTES = 8  # what a tensor's element takes as a Python number
REPEAT_SECONDS = 0.01  # of the processor, for calls that nobody looks at


def serve(channel: Channel, fault_page: int, device: Device = simt) -> None:
    """Answer requests until the parent closes the channel.

    {"op": "load", "code"}: execute the module; each load_inline in it becomes a {"build": ...} request to the parent.
    {"op": "call", "construct", "order", "seed", "weights_seed", "repeats", "launching", "compared": names of buffers,
    "values": {"init", "state", "inputs", "upstream"}}: call ModelNew, answer with {"values": {"outputs", "inputs",
    "buffers"}, ...}. What goes wrong is answered with {"error": kind, "detail": text}.
    """
    device.set_fault_page(fault_page)
    device.install()
    candidate = CandidateModule(channel, device)
    while True:
        try:
            request, buffers = channel.receive()
        except ChannelClosedError:
            return
        channel.answering = request["number"]
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

    def __init__(self, channel: Channel, device: Device) -> None:
        self._device = device
        self._module = types.ModuleType(MODULE)
        self._module.__file__ = str(Path(f"{MODULE}.py").absolute())
        self._model: Any = None
        self._inputs: list[Any] = []
        self._state_loaded = False
        stub = make_stub(channel, device)
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
        seed = request["seed"]
        torch.set_grad_enabled(False)
        self._device.set_order(request["order"], seed)
        self._device.set_launching(request["launching"])
        if request["construct"]:
            seed_all(request["weights_seed"])
            self._model = self._module.ModelNew(*values["init"])
            self._inputs = map_tensors(values["inputs"], self._device.guard)
            self._guard_parameters()
        if request["repeats"]:
            self._repeat(request["repeats"], values["upstream"])
        if not request["construct"]:
            _copy_into(self._inputs, values["inputs"], self._device)
        return self._observed_call(values["state"], values["upstream"], request["compared"], seed)

    def _observed_call(
        self, state: dict[str, torch.Tensor], upstream: list[torch.Tensor] | None, buffers: list[str], seed: int
    ) -> tuple[dict[str, Any], list[memoryview]]:
        """Call the model; what loading its weights and packing its results make it do is observed as well."""
        launched, read = len(self._device.launches()), self._device.host_bytes()
        with OperatorLog() as log:
            self._load_state(state)
            seed_all(seed)
            began = time.process_time()
            outputs = self._run(upstream)
            seconds = time.process_time() - began
            self._device.check_guards()
            own = dict(torch.nn.Module.named_buffers(self._model))
            left = {name: own[name] for name in buffers if name in own}
            tree, answer = pack_values({"outputs": outputs, "inputs": self._inputs, "buffers": left})
        return {
            "values": tree,
            "launches": [launch.kernel for launch in self._device.launches()[launched:]],
            "torch_operators": sorted(log.computing),
            "host_bytes": self._device.host_bytes() - read + log.scalars * SCALAR_BYTES,
            "aliased": _shares_memory(outputs if upstream is None else outputs["outputs"], self._inputs),
            "state_loaded": self._state_loaded,
            "seconds": seconds,
        }, answer

    def _run(self, upstream: list[torch.Tensor] | None) -> Any:
        if upstream is None:
            return calling.forward(self._model, self._inputs)
        return calling.backward(self._model, self._inputs, lambda _: upstream)

    def _repeat(self, times: int, upstream: list[torch.Tensor] | None) -> None:
        """Call the model again and again on the earlier values, for a while at most."""
        until = time.process_time() + REPEAT_SECONDS
        for _ in range(times):
            self._run(upstream)
            if time.process_time() > until:
                break

    def _guard_parameters(self) -> None:
        for tensor in [*self._model.parameters(), *self._model.buffers()]:
            tensor.data = self._device.guard(tensor.data)

    def _load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Give the model the reference's weights, in place, when names and shapes match; else its seeded own stay."""
        own = torch.nn.Module.state_dict(self._model)  # whatever the model says of itself
        self._state_loaded = all(name in own and own[name].shape == tensor.shape for name, tensor in state.items())
        if self._state_loaded:
            for name, tensor in state.items():
                own[name].data.copy_(tensor)


def _copy_into(targets: list[Any], values: Any, device: Device) -> None:
    for index, value in enumerate(values):
        target = targets[index]
        if isinstance(value, torch.Tensor) and target.shape == value.shape and target.dtype == value.dtype:
            target.data.copy_(value)  # .data: the tensor's version counter does not tell
        else:
            targets[index] = map_tensors(value, device.guard)


def _shares_memory(outputs: Any, inputs: Any) -> bool:
    """Whether an output lies in the memory of an input."""
    taken: set[int] = set()
    map_tensors(inputs, lambda t: taken.add(t.untyped_storage().data_ptr()))
    shared: list[bool] = []
    map_tensors(outputs, lambda t: shared.append(t.numel() > 0 and t.untyped_storage().data_ptr() in taken))
    return any(shared)
