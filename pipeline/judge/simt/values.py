"""Values on their way between Python and C++: tensors, numbers, texts, and sequences of them."""

import ctypes
import operator
from typing import Any

import torch

from pipeline.judge.simt.library import Value

NONE, TENSOR, INT, DOUBLE, BOOL, STRING, LIST, TUPLE = range(8)
# c10::ScalarType's numbers
DTYPES: dict[torch.dtype, int] = {
    torch.uint8: 0,
    torch.int8: 1,
    torch.int16: 2,
    torch.int32: 3,
    torch.int64: 4,
    torch.float16: 5,
    torch.float32: 6,
    torch.float64: 7,
    torch.bool: 11,
    torch.bfloat16: 15,
}
TYPE_NAMES = {
    "t": "torch.Tensor",
    "i": "int",
    "l": "int",
    "d": "float",
    "b": "bool",
    "s": "str",
    "y": "torch.dtype",
}
_INT_BITS = {"i": 32, "l": 64}
_MAX_DIM = 12

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
# torch.utils.dlpack's own wrapper looks at the device of the capsule first; this is what it ends in.
_from_dlpack = torch._C._from_dlpack  # noqa: SLF001


address_of = torch.Tensor.data_ptr  # simt_device replaces it for candidates


class Frame:
    """The values of one call: what keeps them alive, and the tensors to release after it."""

    def __init__(self, library: ctypes.PyDLL) -> None:
        self._library = library
        self._kept: list[Any] = []
        self._tensors: list[int] = []

    def put(self, slot: Value, code: str, value: Any) -> bool:
        """Write ``value`` for a parameter of type ``code``; False if it has another type."""
        if code[0] == "?":
            if value is None:
                slot.tag = NONE
                return True
            return self.put(slot, code[1:], value)
        if code[0] == "[":
            return isinstance(value, list | tuple) and self._put_list(slot, code[1:], value)
        if code == "t":
            return isinstance(value, torch.Tensor) and self._put_tensor(slot, value)
        return self._put_scalar(slot, code, value)

    def _put_list(self, slot: Value, code: str, values: list[Any] | tuple[Any, ...]) -> bool:
        items = (Value * max(1, len(values)))()
        self._kept.append(items)
        slot.tag, slot.i, slot.items = LIST, len(values), items
        return all(self.put(item, code, value) for item, value in zip(items, values, strict=False))

    def _put_tensor(self, slot: Value, tensor: torch.Tensor) -> bool:
        dtype, dim = DTYPES.get(tensor.dtype), tensor.dim()
        if dtype is None or dim > _MAX_DIM:
            return False
        shape = (ctypes.c_int64 * (2 * dim))(*tensor.shape, *tensor.stride())
        pointer = self._library.simt_borrow(id(tensor), address_of(tensor), dtype, dim, shape, tensor.requires_grad)
        self._tensors.append(pointer)
        slot.tag, slot.p = TENSOR, pointer
        return True

    def _put_scalar(self, slot: Value, code: str, value: Any) -> bool:
        if code in _INT_BITS:
            if isinstance(value, float) or not hasattr(value, "__index__"):
                return False
            slot.tag, slot.i = INT, (number := operator.index(value))
            return -(1 << 63) <= number < 1 << 63 and abs(number) < 1 << _INT_BITS[code]
        if code == "d":
            if isinstance(value, str) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
                return False
            slot.tag, slot.d = DOUBLE, float(value)
        elif code == "b" and isinstance(value, bool):
            slot.tag, slot.i = BOOL, int(value)
        elif code == "s" and isinstance(value, str):
            slot.tag, slot.s = STRING, value.encode()
        elif code == "y" and value in DTYPES:
            slot.tag, slot.i = INT, DTYPES[value]
        else:
            return False
        return True

    def close(self) -> None:
        """Release the call's own references to its tensors."""
        for pointer in self._tensors:
            self._library.simt_release(pointer)
        self._tensors.clear()


def take(library: ctypes.PyDLL, value: Value) -> Any:
    """Return a result as a Python value; its tensors' references pass to the Python tensors."""
    tag = value.tag
    if tag == TENSOR:
        return take_tensor(library, value.p)
    if tag in (LIST, TUPLE):
        items = [take(library, value.items[i]) for i in range(value.i)]
        return items if tag == LIST else tuple(items)
    if tag == BOOL:
        return bool(value.i)
    if tag == STRING:
        return value.s.decode(errors="replace")
    return {NONE: None, INT: value.i, DOUBLE: value.d}[tag]


def take_tensor(library: ctypes.PyDLL, pointer: int) -> torch.Tensor:
    """Return the Python tensor of a runtime's tensor: an argument itself or a view of it, or one that owns memory."""
    if library.simt_owner(pointer) is None:
        return _from_dlpack(_new_capsule(library.simt_to_dlpack(pointer), b"dltensor", None))
    tensor = view_of(library, pointer)
    library.simt_release(pointer)
    return tensor


def view_of(library: ctypes.PyDLL, pointer: int) -> torch.Tensor:
    """Return the Python tensor of a runtime's tensor that lies in the memory of one: that one itself or a view."""
    tensor: torch.Tensor = ctypes.cast(library.simt_owner(pointer), ctypes.py_object).value
    described = (ctypes.c_int64 * (3 + 2 * _MAX_DIM))()
    library.simt_describe(pointer, described)
    offset, _, dim, *numbers = described
    sizes, strides = tuple(numbers[:dim]), tuple(numbers[dim : 2 * dim])
    if offset == 0 and sizes == tensor.shape and strides == tensor.stride():
        return tensor
    return tensor.as_strided(sizes, strides, tensor.storage_offset() + offset // tensor.element_size())
