"""The candidate's process: runs the candidate and hands back raw tensors; it decides nothing.

What it reports about itself (exceptions, kernels launched, torch operators called) only ever speaks against the
candidate, or is checked by the parent.
"""

import operator
import sys
import time
import types
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pipeline.judge import calling
from pipeline.judge.borrowed import Borrowed
from pipeline.judge.channel import Channel, ChannelClosedError
from pipeline.judge.cuda.contestant import weights_of
from pipeline.judge.cuda.timed import Timed
from pipeline.judge.device import MODULE, Device
from pipeline.judge.extension_stub import BuildFailedError, make_stub
from pipeline.judge.keeping import Calls, Keeping
from pipeline.judge.operators import SCALAR_BYTES, OperatorLog
from pipeline.judge.prescribed import Prescribed
from pipeline.judge.results import check_place, holds, shares_memory
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.simt.fault import Fault
from pipeline.judge.simt.rehearsing import rehearse
from pipeline.judge.task_module import describe
from pipeline.judge.torch_values import copy_into, map_tensors, pack_values, plain, seed_all, unpack_values
from pipeline.judge.values import BadValueError
from pipeline.judge.weights import buffers_of, halve_held, load, own_names, unnamed


def serve(channel: Channel, fault_page: int, device: Device) -> None:
    """Answer requests until the parent closes the channel.

    {"op": "load", "code", "bare"}: execute the module; each load_inline in it becomes a {"build": ...} to the parent.
    {"op": "call", "construct", "order", "seed", "weights_seed", "repeats", "seeks_kept", "looks", "launching",
    "aside", "halved", "names": as answered before, "compared": names of buffers, "values": {"init", "state",
    "inputs", "upstream"}}: call ModelNew (``aside``: an instance that is made for this call alone; not ``launching``:
    kernels do nothing), answer with {"values": {"outputs", "inputs", "buffers"}, "names": see ``weights.own_names``,
    ...}; "modes" in place of "call": {"values": {a mode's name: outputs}, "raised": {name: text}}; on a GPU also what
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
            header, answer = candidate.answer(request, buffers)
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
        self._unnamed: dict[str, list[str]] = {}
        self._libraries: list[str] = []
        self._keeping: Keeping  # from loading on
        self._outputs: Any = None  # of the observed call before, held as a caller might
        self._timed: Timed | None = None
        stub = make_stub(channel, device, self._libraries)
        sys.modules["torch.utils.cpp_extension"] = stub
        torch.utils.cpp_extension = stub  # type: ignore[attr-defined]

    def answer(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Return the header and the buffers of the answer to a request; see ``serve``."""
        match request["op"]:
            case "load":
                return self.load(request["code"], bare=request.get("bare", False)), []
            case "call":
                return (self.aside if request["aside"] else self.call)(request, buffers)
            case "modes":
                return self.in_modes(request, buffers)
            case "rehearse":
                return rehearse(sys.modules[MODULE], request), []
        return self.timing(request, buffers)

    def load(self, code: str, *, bare: bool = False) -> dict[str, Any]:
        """Execute the module; nothing of it is returned. Of a ``bare`` one, all Python is the task's."""
        sys.modules[MODULE] = self._module
        compiled = compile(code, "<candidate>", "exec")
        Prescribed.now = bare
        borrowed = Borrowed(compiled, sys.modules)
        self._keeping = Keeping(self._device, self._module, self._libraries, borrowed)
        with self._log():
            exec(compiled, self._module.__dict__)  # noqa: S102  (confined)
        if not isinstance(getattr(self._module, "ModelNew", None), type):
            return {"error": "no_model", "detail": "the module defines no class ModelNew"}
        return {"ok": True}

    def call(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Call the model on the values, in place of the earlier ones unless it has to be constructed anew."""
        values = unpack_values(request["values"], buffers)
        torch.set_grad_enabled(False)
        self._device.set_order(request["order"], request["seed"])
        self._device.set_launching(request["launching"])
        upstream = map_tensors(values["upstream"], self._device.place)
        if request["construct"]:
            if not request["aside"]:
                self._device.release_guards()
            self._construct(values["init"], request["weights_seed"], self._device.guard)
            self._names = request["names"] or own_names(self._model, values["state"])
            self._unnamed = unnamed(self._model, self._names, values["state"], request["parameters"])
            self._inputs = map_tensors(values["inputs"], self._device.guard)
            self._outputs = None
        kept, counts = False, None
        if request["repeats"]:
            calls = self._calls(upstream, request)
            kept, counts = self._keeping.repeat(calls, request["repeats"], seeks_kept=request["seeks_kept"])
        if request["halved"] is not None:
            halve_held(self._model, values["state"], request["halved"])
        if not request["construct"]:
            copy_into(self._inputs, values["inputs"], self._device.guard)
        header, answer = self._observed_call(values["state"], upstream, request)
        recalled, before = False, header.pop("before")
        if before is not None:
            recalled, counts = self._keeping.look_on(self._calls(upstream, request), before)
        return {**header, "kept": kept, "counted": counts, "recalled": recalled}, answer

    def _calls(self, upstream: list[torch.Tensor] | None, request: dict[str, Any]) -> Calls:
        return Calls(self._model, self._inputs, upstream, self._names, request["compared"])

    def aside(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Answer a call on an instance of its own; the one in use stays as it is."""
        in_use = self._model, self._inputs, self._names, self._unnamed, self._outputs
        try:
            return self.call(request, buffers)
        finally:
            self._model, self._inputs, self._names, self._unnamed, self._outputs = in_use

    def in_modes(self, request: dict[str, Any], buffers: list[bytearray]) -> tuple[dict[str, Any], list[memoryview]]:
        """Answer calls on a new instance in other modes than the judge's."""
        values = unpack_values(request["values"], buffers)
        self._device.set_order(request["order"], request["seed"])
        self._device.set_launching(request["launching"])
        self._construct(values["init"], request["weights_seed"], self._device.guard)
        self._names = request["names"]
        inputs = map_tensors(values["inputs"], self._device.guard)
        load_state = partial(self._load_state, values["state"])
        ways = (self._model, inputs, values["upstream"], self._names, request["seed"], load_state, self._device)
        outputs, raised = calling.in_modes(*ways)
        tree, views = pack_values(outputs)
        return {"values": tree, "raised": raised}, views

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
            call = lambda given: calling.run(model, given, upstream, self._names)  # noqa: E731
            weights = weights_of(model, list(self._names.values())) if self._names is not None else []
            self._timed = Timed({"candidate": (call, inputs, weights, None)}, request["samples"])
            return {"names": self._names}, []
        if self._timed is None:
            raise ValueError("not armed")
        self._device.reset_launches()
        self._device.set_launching(request.get("launching", True))
        header, answer = self._timed.answer(request)
        if request["op"] == "profile":
            header["launched"] = sorted({launch.kernel for launch in self._device.launches()})
        return header, answer

    def _construct(self, init: Any, seed: int, put: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Make an instance whose parameters and buffers are where ``put`` puts them."""
        seed_all(seed)
        with self._log():
            self._model = self._module.ModelNew(*map_tensors(init, self._device.place))
        for tensor in [*self._model.parameters(), *self._model.buffers()]:
            tensor.data = put(tensor.data)

    def _observed_call(
        self, state: dict[str, torch.Tensor], upstream: list[torch.Tensor] | None, request: dict[str, Any]
    ) -> tuple[dict[str, Any], list[memoryview]]:
        """Call the model; what loading its weights and packing its results make it do is observed as well."""
        self._device.reset_launches()
        read = self._device.host_bytes()
        moved, truncated = self._device.copies()
        looking = request["looks"] and not request["construct"] and self._device.poisons()
        with self._log(keep_copies=request["keep_copies"], given=plain(self._inputs)) as log:
            self._load_state(state)
            log.copied_bytes = 0  # so far, those are the judge's own
            seed_all(request["seed"])
            calls = self._calls(upstream, request)
            before = self._keeping.see(calls) if looking else None
            began = time.process_time()
            outputs = plain(calls.one())
            seconds = time.process_time() - began
            with log.paused():  # on a GPU, torch's operators compare the guards
                self._device.check_guards()
            copied = log.copied_bytes
            map_tensors(outputs, partial(check_place, self._device))
            copies = list(log.copies)
            moved, truncated = map(operator.sub, self._device.copies(), (moved, truncated))
            left = buffers_of(self._model, request["compared"], self._names)
            tree, views = pack_values({"outputs": outputs, "inputs": self._inputs, "buffers": left})
            answer = [memoryview(bytes(view)) for view in views]  # what is written from here on is too late
            inputs = plain(self._inputs)
        if before is not None and not self._keeping.has_changed(calls, before):
            before = None
        results = outputs if upstream is None else outputs["outputs"]
        given = () if upstream is None else [self._inputs, upstream, [*self._model.parameters()]]  # may be a gradient
        reused = self._outputs is not None and shares_memory(outputs, self._outputs, given)
        self._outputs = outputs
        log.computing |= {"to an integer dtype, in C++"} if truncated else set()
        return {
            "values": tree,
            "launches": [launch.kernel for launch in self._device.launches()],
            "torch_operators": sorted(log.computing),
            "host_bytes": self._device.host_bytes() - read + log.scalars * SCALAR_BYTES + copied,
            "aliased": shares_memory(results, inputs),
            "reused": reused,
            "moved": any(holds(copy, results) for copy in copies),
            "moved_bytes": moved + log.moved_bytes,
            "names": self._names,
            **self._unnamed,
            "seconds": seconds,
            "before": before,
        }, answer

    def _log(self, *, keep_copies: bool = False, given: Sequence[Any] = ()) -> OperatorLog:
        """Return what watches torch while foreign code runs, and puts what that makes where only kernels reach it."""
        enclosure = self._device if self._device.poisons() else None
        return OperatorLog(keep_copies=keep_copies, given=given, enclosure=enclosure)

    def _load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Give the model the reference's weights, in place, if its own names of them are known; else its own stay."""
        if self._names is not None and not load(self._model, state, self._names):
            self._names = None
