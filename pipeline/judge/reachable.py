"""The state of Python objects: what they refer to, directly or not, as far as it is a candidate's own and can count.

Walked by the references that the garbage collector knows, so that it does not matter in what a number is kept: an
item of a list, a closure, a default argument, an attribute of an object or a class, an iterator. What belongs to
libraries (their functions, classes and modules) is no candidate's, and rules see to it that nothing is kept there.
"""

import gc
import hashlib
import re
import sys
import types
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch

MOST_HASHED = 2**20  # bytes of a tensor or place in memory; of larger ones a sum is made, which costs less
SHORT = 16  # bytes of a hash
_PLAIN = frozenset({dict, list, tuple, OrderedDict})  # which hold what they refer to and nothing else
_ATOMS = (int, float, bool, complex, type(None))
_ENDS = (types.FrameType, types.TracebackType, types.CodeType)
_NUMBERS_AND_TEXTS: dict[type, Callable[[Any], Any]] = {
    **{kind: kind.__repr__ for kind in (int, float, complex, str, bytes, bytearray)},
    **{kind: kind.tobytes for kind in (np.generic, np.ndarray)},
}
_MADE_IN_C, _HAS_REFERENTS = 1 << 8, 1 << 14  # of a type's flags: no class of Python's; the collector knows it
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_ADDRESS = re.compile("0x[0-9a-f]+")


class State:
    """Digests objects; each object counts once, where it is met first.

    Args:
        own_globals: of the candidate's module, whose functions are its own.
    """

    def __init__(self, own_globals: Mapping[str, Any]) -> None:
        self._globals = own_globals
        self._seen: dict[int, Any] = {id(own_globals): own_globals}  # kept, so that no number is given out again

    def leave_out(self, value: Any) -> None:
        """Have an object count for nothing where others refer to it; what it holds is asked for by itself."""
        self._seen[id(value)] = value

    def digest(self, value: Any) -> bytes:
        """Return a hash of an object and of what it refers to, or if that is shorter, what would be hashed."""
        if type(value) in _PLAIN and not value:  # as nearly all attributes of a module are
            return type(value).__name__.encode()
        told = bytearray()
        waiting = [value]
        while waiting:
            value = waiting.pop()
            kind = type(value)
            if kind in _ATOMS:
                told += f"{value!r};".encode()
            elif kind in (str, bytes):  # which keep the hash that they have in this process
                told += f"{kind.__name__}{hash(value)};".encode()
            elif id(value) not in self._seen:
                self._seen[id(value)] = value
                told += kind.__name__.encode(errors="replace")
                if issubclass(kind, dict):  # whose referents are its values alone, if all keys are texts
                    told += f"{hash(tuple([key for key in dict.keys(value) if type(key) is str]))};".encode()
                if kind in _PLAIN:
                    waiting += gc.get_referents(value)[::-1]
                    continue
                if issubclass(kind, torch.Tensor):
                    told += tensor_state(value)
                waiting += list(self._parts(kind, value))[::-1]
        return bytes(told) if len(told) < SHORT else hashlib.blake2b(told, digest_size=16).digest()

    def _parts(self, kind: type, value: Any) -> Iterable[Any]:
        if issubclass(kind, types.ModuleType):  # that of an extension is the candidate's own
            return () if sys.modules.get(str(vars(value).get("__name__"))) is value else (vars(value),)
        if issubclass(kind, _ENDS):
            return ()
        if kind is types.FunctionType:
            of_function = (value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__)
            named = (value.__name__, value.__qualname__, value.__doc__)
            return (*of_function, *named) if value.__globals__ is self._globals else (value.__dict__,)
        if issubclass(kind, type):
            own = not _is_a_librarys(value) or vars(sys.modules[value.__module__]) is self._globals
            return (value.__name__, dict(type.__dict__["__dict__"].__get__(value))) if own else ()
        return (*_inner_state(kind, value), *gc.get_referents(value))


def _inner_state(kind: type, value: Any) -> Iterable[Any]:
    """Return what an object knows beyond what it refers to: a number, how far an iterator is, what is in a set."""
    for base, told in _NUMBERS_AND_TEXTS.items():
        if issubclass(kind, base):  # or a class of the candidate's own
            return (told(value),)
    if kind in (set, frozenset):
        return sorted(repr(item) for item in value if type(item) in (*_ATOMS, str, bytes))
    if kind is types.GeneratorType and value.gi_frame is not None:
        return (value.gi_frame.f_lasti,)
    if issubclass(kind, torch.Tensor) or hasattr(kind, "next_functions"):
        return _of_gradients(kind, value)
    if issubclass(kind, BaseException):
        return tuple(_members(kind, value))
    return _of_c(kind, value) if kind.__flags__ & _MADE_IN_C else ()


def _of_gradients(kind: type, value: Any) -> Iterable[Any]:
    """Return what torch keeps, in C++, with a tensor or a function in its graph for gradients."""
    if issubclass(kind, torch.Tensor):
        return (value.grad, value.grad_fn) if value.is_leaf else (value.grad_fn,)
    with suppress(RuntimeError):  # they are freed, or changed in place: nobody can read them
        return value.next_functions, getattr(value, "saved_tensors", None)
    return value.next_functions


def _of_c(kind: type, value: Any) -> Iterable[Any]:
    """Return what an object of a type made in C tells: how far it is where it is an iterator, else its text."""
    if hasattr(kind, "__next__"):
        with suppress(TypeError):
            return (value.__reduce__(),)
    if hasattr(kind, "hexdigest"):
        return (value.hexdigest(),)
    if not kind.__flags__ & _HAS_REFERENTS:  # a range, a slice, a device
        return (_ADDRESS.sub("", repr(value)),)
    return ()


def _members(kind: type, value: Any) -> Iterator[Any]:
    """Yield what the types of an object keep in it, in C."""
    for base in kind.__mro__:
        for descriptor in vars(base).values():
            if isinstance(descriptor, _DESCRIPTORS):
                with suppress(AttributeError):
                    yield descriptor.__get__(value)


def tensor_state(tensor: torch.Tensor) -> bytes:
    """Return a hash of a tensor's values and of how it lies in its memory; of a dense one's on the CPU."""
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.layout is not torch.strided:
        return b""
    plain = torch.Tensor.detach(tensor)
    lies = repr((plain.dtype, plain.shape, plain.stride(), plain.storage_offset(), tensor.requires_grad)).encode()
    if plain.device.type != "cpu" or plain.is_quantized:
        return lies
    flat = plain.contiguous().reshape(-1).view(torch.uint8)
    return lies + memory_state(flat.numpy().data)


def memory_state(memory: memoryview) -> bytes:
    """Return a hash of bytes, of many a sum."""
    if len(memory) > MOST_HASHED:
        return zlib.adler32(memory).to_bytes(4)
    return hashlib.blake2b(memory, digest_size=16).digest()


def _is_a_librarys(kind: type) -> bool:
    """Whether a class is what its module has under its name: what it says of itself alone proves nothing."""
    place: Any = sys.modules.get(getattr(kind, "__module__", ""))
    for name in kind.__qualname__.split("."):
        place = getattr(place, name, None)
    return place is kind
