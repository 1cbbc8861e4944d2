"""The runtime library's C interface, declared for ctypes."""

import ctypes
from pathlib import Path
from typing import Any

from pipeline.judge.simt.fault import RECORD_BYTES


class Value(ctypes.Structure):
    """include/simt/export.h: Value. Which member of the union counts follows from the tag."""

    class _Union(ctypes.Union):
        _fields_ = (("i", ctypes.c_int64), ("d", ctypes.c_double), ("s", ctypes.c_char_p), ("p", ctypes.c_void_p))

    _anonymous_ = ("_union",)


Value._fields_ = (("tag", ctypes.c_int64), ("_union", Value._Union), ("items", ctypes.POINTER(Value)))  # noqa: SLF001


class Parameter(ctypes.Structure):
    """include/simt/export.h: Argument."""

    _fields_ = (("name", ctypes.c_char_p), ("has_default", ctypes.c_bool), ("value", Value))


class LaunchRecord(ctypes.Structure):
    """runtime/launch.cpp: LaunchRecord."""

    _fields_ = (("kernel", ctypes.c_char * 512), ("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3))


_POINTER, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
Signatures = dict[str, tuple[Any, tuple[Any, ...]]]
# What the runtimes of both backends have.
SHARED: Signatures = {
    "simt_load": (_POINTER, (_POINTER,)),
    "simt_function_count": (_INT, (_POINTER,)),
    "simt_function": (_POINTER, (_POINTER, _INT)),
    "simt_function_name": (_TEXT, (_POINTER,)),
    "simt_parameter_count": (_INT, (_POINTER,)),
    "simt_parameter_code": (_TEXT, (_POINTER, _INT)),
    "simt_parameter": (ctypes.POINTER(Parameter), (_POINTER, _INT)),
    "simt_call": (_INT, (_POINTER, ctypes.POINTER(Value), ctypes.POINTER(Value))),
    "simt_message": (_TEXT, ()),
    "simt_free_result": (None, (ctypes.POINTER(Value),)),
    "simt_borrow": (_POINTER, (_POINTER, _POINTER, _INT, _INT, _POINTER, ctypes.c_bool)),
    "simt_release": (None, (_POINTER,)),
    "simt_owner": (_POINTER, (_POINTER,)),
    "simt_describe": (None, (_POINTER, _POINTER)),
    "simt_launch_count": (ctypes.c_int64, ()),
    "simt_host_bytes": (ctypes.c_int64, ()),
    "simt_launch_record": (ctypes.POINTER(LaunchRecord), (ctypes.c_int64,)),
    "simt_reset_launches": (None, ()),
}
_SIMT: Signatures = {
    "simt_allocate": (_POINTER, (_INT, _INT, _POINTER)),
    "simt_regions": (ctypes.c_size_t, (ctypes.c_bool, ctypes.c_size_t, _POINTER, _POINTER)),
    "simt_moved_bytes": (ctypes.c_int64, ()),
    "simt_truncated": (ctypes.c_int64, ()),
    "simt_lend": (None, (_POINTER, ctypes.c_size_t)),
    "simt_is_guarded": (ctypes.c_bool, (_POINTER,)),
    "simt_to_dlpack": (_POINTER, (_POINTER,)),
    "simt_set_order": (None, (_INT, ctypes.c_uint64)),
    "simt_set_launching": (None, (ctypes.c_bool,)),
    "simt_set_watching": (None, (ctypes.c_bool,)),
    "simt_set_torch": (None, (_POINTER,)),
    "simt_set_fault_page": (_INT, (_INT,)),
    "simt_fault_count": (_INT, ()),
    "simt_fault": (ctypes.POINTER(ctypes.c_char * RECORD_BYTES), (_INT,)),
    "simt_clear_faults": (None, ()),
    "simt_check_guards": (None, ()),
    "simt_has_unread_error": (ctypes.c_bool, ()),
    "simt_set_rehearsing": (None, (ctypes.c_bool,)),
    "simt_is_unbacked": (ctypes.c_bool, (_POINTER,)),
    "simt_host_has_read": (None, ()),
    "simt_has_read": (ctypes.c_bool, ()),
    "simt_refusal": (ctypes.POINTER(ctypes.c_char * RECORD_BYTES), ()),
}


def open_library(path: Path, more: Signatures = _SIMT) -> ctypes.PyDLL:
    """Load a runtime that has ``more`` functions than the shared ones.

    A PyDLL keeps the interpreter's lock: tensors' reference counts change during calls.
    """
    library = ctypes.PyDLL(str(path))
    for name, (result, arguments) in (SHARED | more).items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
