"""Arguments and results as JSON trees over raw tensor bytes.

A tree holds null, booleans, numbers, strings, lists, tuples and dicts as they are, and a tensor as
``{"tensor": index, "dtype": "float32", "shape": [..]}`` whose bytes (C order) are buffer ``index`` of the frame;
``"strides"`` beside them says how it lay in memory if not contiguously.
Written without torch, so that the parent can check shapes, dtypes and byte counts of what a candidate sends.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ITEM_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip
MAX_DEPTH = 16


class BadValueError(Exception):
    """A tree that is not one: unknown dtype, wrong byte count, too deep."""


Described = tuple[str, list[int], list[int] | None, Any]  # dtype name, shape, strides unless contiguous, bytes


def pack(value: Any, buffers: list[Any], describe: Callable[[Any], Described | None]) -> Any:
    """Return the tree of a value and append its tensors' bytes to ``buffers``.

    ``describe`` returns None for anything but a tensor.

    Raises:
        BadValueError: something that is neither a tensor nor JSON-ready, such as a list that makes up its items.
    """
    tensor = describe(value)
    if tensor is not None:
        dtype, shape, strides, data = tensor
        buffers.append(data)
        node = {"tensor": len(buffers) - 1, "dtype": dtype, "shape": shape}
        return node if strides is None else {**node, "strides": strides}
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, tuple | list) and type(value).__iter__ in (tuple.__iter__, list.__iter__):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [pack(item, buffers, describe) for item in value]}
    if type(value) is dict and all(type(k) is str for k in value):
        return {"dict": {k: pack(v, buffers, describe) for k, v in value.items()}}
    raise BadValueError(f"a value of type {type(value).__name__}")


def unpack(tree: Any, buffers: Sequence[Any], make_tensor: Callable[..., Any], depth: int = 0) -> Any:
    """Return the value of a tree; ``make_tensor(dtype, shape, bytes, strides or None)`` builds its tensors.

    Raises:
        BadValueError: the tree is malformed, or a byte count does not fit its shape and dtype.
    """
    if depth > MAX_DEPTH:
        raise BadValueError("nested too deeply")
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if not isinstance(tree, dict):
        raise BadValueError("not a tree")
    if "tensor" in tree:
        return make_tensor(*checked_tensor(tree, buffers), tree.get("strides"))
    if "float" in tree:
        return float(tree["float"])
    if "dict" in tree:
        return {k: unpack(v, buffers, make_tensor, depth + 1) for k, v in tree["dict"].items()}
    for kind, build in (("tuple", tuple), ("list", list)):
        if kind in tree:
            return build(unpack(item, buffers, make_tensor, depth + 1) for item in tree[kind])
    raise BadValueError("not a tree")


def checked_tensor(tree: dict[str, Any], buffers: Sequence[Any]) -> tuple[str, list[int], Any]:
    """Return (dtype, shape, bytes) of a tensor's node after checking that they fit together.

    Raises:
        BadValueError: they do not.
    """
    index, dtype, shape = tree.get("tensor"), tree.get("dtype"), tree.get("shape")
    if type(index) is not int or not 0 <= index < len(buffers) or dtype not in ITEM_BYTES:
        raise BadValueError("a tensor with no bytes or of an unknown dtype")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise BadValueError("a tensor without a shape")
    if math.prod(shape) * ITEM_BYTES[dtype] != len(buffers[index]):
        raise BadValueError("a tensor whose byte count does not fit its shape")
    return dtype, shape, buffers[index]


def only_named(tree: Any, buffers: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return the tree and those of the buffers that its tensors name, numbered anew in their order."""
    kept: list[Any] = []

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "tensor" in node:
            kept.append(buffers[node["tensor"]])
            return {**node, "tensor": len(kept) - 1}
        kind, inner = next(iter(node.items()))  # what a dict holds may be called "tensor" too
        return {kind: {k: walk(v) for k, v in inner.items()} if kind == "dict" else walk(inner)}

    return walk(tree), kept


def leaves(tree: Any, buffers: Sequence[Any]) -> list[np.ndarray]:
    """Return the tensors of a tree in its order, as ``to_numpy`` does; raises ``BadValueError`` if one is none."""
    if isinstance(tree, dict) and "tensor" in tree:
        return [to_numpy(*checked_tensor(tree, buffers))]
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [array for value in inner for array in leaves(value, buffers)]


def to_numpy(dtype: str, shape: list[int], data: Any) -> np.ndarray:
    """Return the tensor as a NumPy array of its dtype; bfloat16, which NumPy lacks, becomes float32."""
    if dtype == "bfloat16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape)
