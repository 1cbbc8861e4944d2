"""The candidate's process: runs the candidate and hands back raw tensors; it decides nothing.

What it reports about itself (exceptions, kernels launched, torch operators called) only ever speaks against the
candidate, or is checked by the parent.
"""

import operator
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pipeline.judge import calling
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.counting import LOOK_AFTER, Held, counted, held, segments
from pipeline.judge.cuda.contestant import weights_of
from pipeline.judge.cuda.timed import Timed
from pipeline.judge.device import Device
from pipeline.judge.extension_stub import BuildFailedError, make_stub
from pipeline.judge.operators import OperatorLog
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.simt.fault import Fault
from pipeline.judge.task_module import describe
from pipeline.judge.torch_values import map_tensors, pack_values, seed_all, unpack_values
from pipeline.judge.values import BadValueError
from pipeline.judge.weights import held_nowhere, load, own_names

MODULE = "candidate"
SCALAR_BYTES = 8  # what a tensor's element takes as a Python number
REPEAT_SECONDS = 0.5  # of the processor, for calls that nobody looks at


def serve(channel: Channel, fault_page: int, device: Device) -> None:
    """Answer requests until the parent closes the channel.

    {"op": "load", "code"}: execute the module; each load_inline in it becomes a {"build": ...} request to the parent.
    {"op": "call", "construct", "order", "seed", "weights_seed", "repeats", "seeks_kept", "launching", "names": as
    answered before, "compared": names of buffers, "values": {"init", "state", "inputs", "upstream"}}: call ModelNew
    (not ``launching``: an instance that is made for this call alone, and whose kernels do nothing), answer with
    {"values": {"outputs", "inputs", "buffers"}, "names": see ``weights.own_names``, ...}; on a GPU also what
    ``cuda.timed`` answers. What goes wrong is answered with {"error": kind, "detail": text}.
    """
    device.set_fault_page(fault_page)
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
            elif request["op"] == "call":
                header, answer = (candidate.call if request["launching"] else candidate.aside)(request, buffers)
            else:
                header, answer = candidate.timing(request, buffers)
        except SimtFault as found:
            header, answer = _fault(found.fault), []
        except BuildFailedError as error:
            header, answer = {"error": "build_failed", "detail": str(error)}, []
        except BadValueError as error:
            header, answer = {"error": "wrong_type", "detail": f"forward returned {error}"}, []
        except BaseException as error:  # noqa: BLE001  (whatever the candidate raises, SystemExit too, is data)
            fault = device.fault_of(error)
            header = _fault(fault) if fault else {"error": "raises", "detail": describe(error, "<candidate>")}
            answer = []
        channel.send(header, answer)


def _fault(fault: Fault) -> dict[str, Any]:
    return {"error": fault.kind, "detail": str(fault)}


class CandidateModule:
    """The candidate's module and the one instance of its ModelNew."""

    def __init__(self, channel: Channel, device: Device) -> None:
        self._device = device
        self._module = types.ModuleType(MODULE)
        self._module.__file__ = str(Path(f"{MODULE}.py").absolute())
        self._model: Any = None
        self._inputs: list[Any] = []
        self._names: dict[str, str] | None = None  # its own, of the reference's weights
        self._lacking: list[str] = []
        self._libraries: list[str] = []
        self._outputs: Any = None  # of the observed call before, held as a caller might
        self._timed: Timed | None = None
        stub = make_stub(channel, device, self._libraries)
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
        upstream = map_tensors(values["upstream"], self._device.place)
        if request["construct"]:
            if request["launching"]:
                self._device.release_guards()
            self._construct(values["init"], request["weights_seed"], self._device.guard)
            self._names = request["names"] or own_names(self._model, values["state"])
            self._lacking = [] if self._names is not None else held_nowhere(self._model, values["state"])
            self._inputs = map_tensors(values["inputs"], self._device.guard)
            self._outputs = None
        kept, counted = self._repeat(request, upstream) if request["repeats"] else (False, None)
        if not request["construct"]:
            _copy_into(self._inputs, values["inputs"], self._device)
        header, answer = self._observed_call(values["state"], upstream, request, seed)
        return {**header, "kept": kept, "counted": counted}, answer

    def aside(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Answer a call on an instance of its own; the one in use stays as it is."""
        in_use = self._model, self._inputs, self._names, self._lacking, self._outputs
        try:
            return self.call(request, buffers)
        finally:
            self._model, self._inputs, self._names, self._lacking, self._outputs = in_use

    def timing(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Answer what ``cuda.timed.Timed`` does; ``arm`` constructs the model anew, nothing guarded or poisoned."""
        if request["op"] == "arm":
            self._timed = None
            values = unpack_values(request["values"], buffers)
            torch.set_grad_enabled(False)
            self._device.release_guards()
            self._construct(values["init"], request["weights_seed"], self._device.place)
            self._names = own_names(self._model, values["state"])
            self._load_state(values["state"])
            inputs, upstream = (map_tensors(values[name], self._device.place) for name in ("inputs", "upstream"))
            model = self._model
            call = lambda given: _run(model, given, upstream)  # noqa: E731
            weights = weights_of(model, list(self._names.values())) if self._names is not None else []
            self._timed = Timed({"candidate": (call, inputs, weights, None)}, request["samples"])
            return {"names": self._names}, []
        if self._timed is None:
            raise ValueError("not armed")
        self._device.reset_launches()
        header, answer = self._timed.answer(request)
        if request["op"] == "profile":
            header["launched"] = sorted({launch.kernel for launch in self._device.launches()})
        return header, answer

    def _construct(self, init: Any, seed: int, put: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Make an instance whose parameters and buffers are where ``put`` puts them."""
        seed_all(seed)
        self._model = self._module.ModelNew(*map_tensors(init, self._device.place))
        for tensor in [*self._model.parameters(), *self._model.buffers()]:
            tensor.data = put(tensor.data)

    def _observed_call(
        self, state: dict[str, torch.Tensor], upstream: list[torch.Tensor] | None, request: dict[str, Any], seed: int
    ) -> tuple[dict[str, Any], list[memoryview]]:
        """Call the model; what loading its weights and packing its results make it do is observed as well."""
        self._device.reset_launches()
        read = self._device.host_bytes()
        moved, truncated = self._device.copies()
        # not on a GPU: there each guard costs kernels and a search
        place = self._device.guard if self._device.poisons() else None
        with OperatorLog(keep_copies=request["keep_copies"], place=place) as log:
            self._load_state(state)
            seed_all(seed)
            began = time.process_time()
            outputs = _run(self._model, self._inputs, upstream)
            seconds = time.process_time() - began
            self._device.check_guards()
            copied = log.copied_bytes
            map_tensors(outputs, self._check_place)
            own = dict(torch.nn.Module.named_buffers(self._model))
            named = {name: (self._names or {}).get(name, name) for name in request["compared"]}
            left = {name: own[mine] for name, mine in named.items() if mine in own}
            copies = list(log.copies)
            moved, truncated = map(operator.sub, self._device.copies(), (moved, truncated))
            tree, answer = pack_values({"outputs": outputs, "inputs": self._inputs, "buffers": left})
        results = outputs if upstream is None else outputs["outputs"]
        reused = self._outputs is not None and _shares_memory(results, self._outputs)
        self._outputs = results
        log.computing |= {"to an integer dtype, in C++"} if truncated else set()
        return {
            "values": tree,
            "launches": [launch.kernel for launch in self._device.launches()],
            "torch_operators": sorted(log.computing),
            "host_bytes": self._device.host_bytes() - read + log.scalars * SCALAR_BYTES + copied,
            "aliased": _shares_memory(results, self._inputs),
            "reused": reused,
            "moved": any(_holds(copy, results) for copy in copies),
            "moved_bytes": moved,
            "names": self._names,
            "lacking": self._lacking,
            "seconds": seconds,
        }, answer

    def _check_place(self, tensor: torch.Tensor) -> None:
        if not self._device.on_device(tensor):
            raise BadValueError(f"a tensor on {tensor.device}")

    def _repeat(self, request: dict[str, Any], upstream: list[torch.Tensor] | None) -> tuple[bool, str | None]:
        """Call the model again and again on the earlier values, for a while at most.

        Returns whether one call more, whose kernels do nothing, has the same result: it was looked up; and where the
        candidate counts its calls, see ``counting``.
        """
        until = time.process_time() + REPEAT_SECONDS
        result: Any = None
        looks: list[Held] = []
        places = segments(self._libraries)
        self._device.set_watching(False)  # that is done in the calls that are looked at
        try:
            for number in range(1, request["repeats"] + 1):
                result = _run(self._model, self._inputs, upstream)
                if number in LOOK_AFTER and self._device.poisons():  # on a GPU sums are not the same twice
                    looks.append(held(self._model, vars(self._module), places, self._device.buffers()))
                if time.process_time() > until:
                    break
        finally:
            self._device.set_watching(True)
        if not request["seeks_kept"] or not self._device.poisons():
            return False, counted(looks)
        self._device.set_launching(False)
        again = _run(self._model, self._inputs, upstream)
        self._device.set_launching(True)
        return _same_bytes(result, again), counted(looks)

    def _load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Give the model the reference's weights, in place, if its own names of them are known; else its own stay."""
        if self._names is not None and not load(self._model, state, self._names):
            self._names = None


def _run(model: Any, inputs: list[Any], upstream: list[torch.Tensor] | None) -> Any:
    if upstream is None:
        return calling.forward(model, inputs)
    return calling.backward(model, inputs, lambda _: upstream)


def _copy_into(targets: list[Any], values: Any, device: Device) -> None:
    for index, value in enumerate(values):
        target = targets[index]
        if isinstance(value, torch.Tensor) and target.shape == value.shape and target.dtype == value.dtype:
            target.data.copy_(value)  # .data: the tensor's version counter does not tell
        else:
            targets[index] = map_tensors(value, device.guard)


def _bytes_of(value: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    map_tensors(value, lambda t: found.append(t.detach().contiguous().reshape(-1).view(torch.uint8)))
    return found


def _same_bytes(one: Any, other: Any) -> bool:
    """Whether two results are the same to the bit, and there is something in them."""
    ours, theirs = _bytes_of(one), _bytes_of(other)
    same = len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))
    return same and any(part.numel() for part in ours)


def _holds(tensor: torch.Tensor, outputs: Any) -> bool:
    """Whether the memory that a tensor is part of holds one of the outputs, its values in the same order."""
    held = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
    return any(part.numel() > 1 and torch.equal(held, part) for part in _bytes_of(outputs))


def _shares_memory(outputs: Any, inputs: Any) -> bool:
    """Whether an output lies in the memory of an input."""
    taken: set[int] = set()
    map_tensors(inputs, lambda t: taken.add(t.untyped_storage().data_ptr()))
    shared: list[bool] = []
    map_tensors(outputs, lambda t: shared.append(t.numel() > 0 and t.untyped_storage().data_ptr() in taken))
    return any(shared)
