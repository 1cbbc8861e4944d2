"""What a candidate keeps between its calls, looked at in its process: a result, a count, values of earlier calls."""

import time
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import torch

from pipeline.judge import calling, counting
from pipeline.judge.borrowed import Borrowed
from pipeline.judge.device import Device
from pipeline.judge.recalling import Place, contents, differ, recalls, unknown
from pipeline.judge.results import same_bytes
from pipeline.judge.torch_values import plain
from pipeline.judge.weights import BATCHES, buffers_of


class Calls(NamedTuple):
    """Calls of a model on the same values.

    ``names``: its own of the reference's weights; ``compared``: the reference's names of buffers that a call changes.
    """

    model: Any
    inputs: list[Any]
    upstream: list[torch.Tensor] | None
    names: dict[str, str] | None
    compared: Sequence[str]

    def one(self) -> Any:
        """Make one of them and return its result."""
        return calling.run(self.model, self.inputs, self.upstream, self.names)

    def changing(self) -> list[torch.Tensor]:
        """Return the buffers that the task itself changes, and what changes with them."""
        own = dict(torch.nn.Module.named_buffers(self.model)) if self.compared else {}
        found = list(buffers_of(self.model, self.compared, self.names).values())
        # What they start from differs from call to call.
        return found + [own[name] for name in own if name.endswith(BATCHES)]

    def given(self) -> list[torch.Tensor]:
        """Return the tensors that the caller gives, and those that the task itself changes."""
        parameters = dict(torch.nn.Module.named_parameters(self.model))
        buffers = dict(torch.nn.Module.named_buffers(self.model))
        of_the_task = [buffers[name] for name in buffers.keys() & set((self.names or {}).values())]
        found = [*self.inputs, *(self.upstream or ()), *parameters.values(), *of_the_task, *self.changing()]
        return [value for value in found if isinstance(value, torch.Tensor)]


class Seen(NamedTuple):
    """What was there before a call: what the candidate held, and what was in memory that kernels may use."""

    held: counting.Held
    memory: Mapping[Place, bytes]


class Keeping:
    """Looks at what a candidate holds.

    Args:
        device: where its kernels run.
        module: its own.
        libraries: paths of its extensions; more may come.
        borrowed: what it could leave something on.
    """

    def __init__(self, device: Device, module: ModuleType, libraries: list[str], borrowed: Borrowed) -> None:
        self._device = device
        self._module = module
        self._libraries = libraries
        self._borrowed = borrowed
        self._last: counting.Held | None = None  # what was seen

    def repeat(self, calls: Calls, most: int, *, seeks_kept: bool) -> tuple[bool, str | None]:
        """Make the calls for a while; return whether the result is kept, and what counts calls.

        It is kept if one call more, whose kernels do nothing, has it too. See ``counting``.
        """
        began = time.process_time()
        result: Any = None
        looks: list[counting.Held] = []
        self._device.set_watching(False)  # that is done in the calls that are looked at
        try:
            for number in range(1, most + 1):
                result = calls.one()
                if number in counting.LOOK_AFTER and self._device.poisons():  # on a GPU sums are not the same twice
                    looks.append(self._held(calls))
                if counting.is_enough(number, time.process_time() - began):
                    break
        finally:
            self._device.set_watching(True)
        if not seeks_kept or not self._device.poisons():
            return False, counting.counted(looks)
        self._device.set_launching(False)
        again = calls.one()
        self._device.set_launching(True)
        return same_bytes(plain(result), plain(again)), counting.counted(looks)

    def see(self, calls: Calls) -> Seen:
        """Return what is there before a call."""
        return Seen(self._held(calls), contents(self._places(calls)))

    def has_changed(self, calls: Calls, before: Seen) -> bool:
        """Whether a call has changed anything of what was there before it."""
        return counting.changed(before.held, self._held(calls)) or differ(before.memory, self._places(calls))

    def look_on(self, calls: Calls, before: Seen) -> tuple[bool, str | None]:
        """Make the calls, on the inputs of the last one, for as long as it takes to see what it changed.

        Returns:
            Whether they recall values of that call, see ``recalling``; what counts calls, see ``counting``.
        """
        began = time.process_time()
        looks: list[counting.Held] = []
        while len(looks) < counting.LEAST_CALLS and time.process_time() - began <= counting.LEAST_CALLS_SECONDS:
            calls.one()
            looks.append(self._held(calls))
        if (count := counting.counted(looks)) is not None or (calls.names is None and calls.compared):
            return False, count
        return recalls(calls.one, lambda: self._places(calls), before.memory), None

    def _held(self, calls: Calls) -> counting.Held:
        places, buffers = counting.segments(tuple(self._libraries)), self._device.buffers()
        others = self._borrowed.left(calls.inputs)
        module, changing = vars(self._module), calls.changing()
        self._last = counting.held(calls.model, module, places, buffers, changing, self._last, others)
        return self._last

    def _places(self, calls: Calls) -> list[Place]:
        """Return where kernels may keep values: the extensions' variables, and memory that is nobody else's."""
        variables = counting.segments(tuple(self._libraries)).items()
        own = [place for name, place in variables if name.startswith(counting.OF_EXTENSIONS)]
        return [*own, *unknown(self._device.regions(), calls.given())]
