"""What stands in for ``torch.library.custom_op`` in a candidate's process: a plain call of the decorated function.

torch's own would run it below the dispatcher, where an ``OperatorLog`` sees the operator and nothing that it does.
"""

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch

from pipeline.judge.device import MODULE

KINDS = ("cuda", None)  # of devices, as a kernel is registered for them, that are the judge's
OPTIONS = frozenset({"mutates_args", "device_types", "schema"})


class CustomOperator:
    """An operator of a candidate's own, called like the one that torch would make."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        parameters = inspect.signature(function).parameters.values()
        if any(parameter.annotation is parameter.empty for parameter in parameters):
            raise ValueError(f"{name}: infer_schema: all parameters need type annotations")
        self._function = function
        self._differentiable: type[torch.autograd.Function] | None = None
        self._parameters = list(inspect.signature(function).parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, or what has been registered in its place."""
        if self._differentiable is None:
            return self._function(*args, **kwargs)
        return self._differentiable.apply(*args, *(kwargs[n] for n in self._parameters[len(args) :] if n in kwargs))

    @property
    def default(self) -> "CustomOperator":
        """The overload without a name, of which there is no other."""
        return self

    def register_fake(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Do nothing: it is for who compiles."""
        return function

    def register_kernel(self, device_types: str | Iterable[str] | None, function: Any = None) -> Any:
        """Have a function called in place of the first one, where it is for a GPU."""
        kinds = [device_types] if isinstance(device_types, str) or device_types is None else list(device_types)

        def register(kernel: Callable[..., Any]) -> Callable[..., Any]:
            if any(kind in KINDS for kind in kinds):
                self._function = kernel
            return kernel

        return register if function is None else register(function)

    def register_autograd(self, backward: Callable[..., Any], *, setup_context: Any = None) -> None:
        """Have gradients computed by ``backward``."""
        operator = self

        class Differentiable(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *args: Any) -> Any:
                output = operator._function(*args)
                if setup_context is not None:
                    setup_context(ctx, args, output)
                return output

            @staticmethod
            def backward(ctx: Any, *gradients: Any) -> Any:
                return backward(ctx, *gradients)

        self._differentiable = Differentiable


def install() -> None:
    """Have operators that a candidate's module defines made here; torch's own modules go on as they were."""
    made_by_torch: Any = torch.library.custom_op
    if made_by_torch.__module__ == __name__:
        return

    def custom_op(name: str, function: Any = None, /, **options: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") != MODULE:  # noqa: SLF001
            return made_by_torch(name, function, **options)
        if unknown := options.keys() - OPTIONS or "mutates_args" not in options:
            raise TypeError(f"custom_op() got unexpected options, or none of mutates_args: {unknown}")
        return (lambda decorated: _define(name, decorated)) if function is None else _define(name, function)

    custom_op.__module__ = __name__
    torch.library.custom_op = custom_op


def _define(name: str, function: Callable[..., Any]) -> CustomOperator:
    """Return an operator, ``namespace::name``, and have it in ``torch.ops``."""
    namespace, _, own = name.partition("::")
    place = getattr(torch.ops, namespace)
    if not own.isidentifier() or hasattr(place, own):
        raise RuntimeError(f"{name} is no name for an operator, or there is one of that name")
    operator = CustomOperator(name, function)
    setattr(place, own, operator)
    return operator
