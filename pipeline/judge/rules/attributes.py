"""Rules on a single attribute, and on what of a library a path leads to."""

import sys
from collections.abc import Iterator
from itertools import accumulate

from pipeline.judge.rules.access_names import (
    CHECKPOINT,
    COMPILERS,
    DECODERS,
    EVALUATES,
    FILES,
    FRAMES,
    HARMLESS_DUNDERS,
    HARMLESS_PRIVATE,
    HOST_DATA,
    IN_SUBMODULES,
    LEADING_OUT,
    MODES,
    MODULES,
    MUTE_IN_COMPILERS,
    NAMES,
    OWN_NAMES,
    PROVENANCE,
    READERS,
    SEEDS,
    STREAMS,
    TORCH_SUBMODULES,
    TORCH_UTILS,
)
from pipeline.judge.rules.findings import Finding


def attribute(path: str, attr: str, line: int) -> Iterator[Finding]:
    """Look at an attribute: by its full path where it is something of a library's, else by its name alone."""
    if attr in FRAMES or (is_dunder(attr) and attr not in HARMLESS_DUNDERS):
        yield Finding("introspection", line, f".{attr}")
    elif path:
        yield from library_path(path, line)
    elif attr in LEADING_OUT:
        yield Finding("import", line, f".{attr}")
    elif attr in HOST_DATA:
        yield Finding("host_computes", line, f".{attr}: takes a tensor's data to where no kernel runs")
    elif attr in READERS:
        yield Finding("files", line, f".{attr}")
    elif attr in DECODERS:
        yield Finding("hidden_source", line, f".{attr}")
    elif attr in PROVENANCE:
        yield Finding("test_mode", line, f".{attr}")
    elif attr == "_version":
        yield Finding("cache_key", line, "._version")
    elif attr == "cache_info":
        yield Finding("call_counter", line, ".cache_info: how often a function was called")


def library_path(path: str, line: int) -> Iterator[Finding]:
    """Look at something of a library by its full path; at most one rule fires."""
    parts = path.split(".")
    root, last = parts[0], parts[-1]
    if rule := _rule_of_torch(path, parts, last) if root == "torch" else None:
        yield Finding(rule, line, path)
    elif path in HARMLESS_PRIVATE:
        return
    elif any(map(is_private, parts)):
        yield Finding("private_api", line, path)
    elif path in EVALUATES:
        yield Finding("dynamic_code", line, path)
    elif root not in MODULES and root not in NAMES:
        yield Finding("timing" if root in ("time", "timeit") else "import", line, path)
    elif (names := NAMES.get(root)) is not None and path != root and path not in names:
        yield Finding("files" if root == "os" else "import", line, path)
    elif any(map(_is_pythons, accumulate(parts, "{}.{}".format))):
        yield Finding("import", line, path)


def _is_pythons(path: str) -> bool:
    """Whether a library's part is a module of Python (or numpy) that the library happens to import."""
    *above, last = path.split(".")
    return bool(above) and path not in OWN_NAMES and (last in sys.stdlib_module_names or last in ("np", "mp"))


def _rule_of_torch(path: str, parts: list[str], last: str) -> str | None:
    """Return the first rule against something of torch."""
    second = parts[1] if len(parts) > 1 else ""
    sets = second.startswith(("set_", "use_deterministic")) and second not in ("set_grad_enabled", "set_printoptions")
    casts = second == "autocast" or parts[1:3] in (["amp", "autocast"], ["cuda", "amp"])
    casts = casts and last not in ("amp", "custom_fwd", "custom_bwd")  # these switch no casts on
    rules = {
        "torch_compile": path.startswith(COMPILERS) and path not in MUTE_IN_COMPILERS,
        "files": path in FILES or path.startswith("torch.hub."),
        "timing": path.startswith("torch.utils.benchmark")
        or (last in ("Event", "elapsed_time") and second == "cuda"),
        "import": (second in TORCH_SUBMODULES and path not in IN_SUBMODULES)
        or "torch" in parts[1:]
        or (second == "utils" and len(parts) > 2 and parts[2] not in TORCH_UTILS)
        or (parts[1:3] == ["utils", "checkpoint"] and not CHECKPOINT.issuperset(parts[3:]))
        or path.startswith("torch.nn.parallel"),  # threads, in which no operator is seen
        "patches_library": last.startswith("register_module_"),  # hooks on all modules there are
        "stream": second in ("cuda", "Stream") and last in STREAMS,
        "seed": last in SEEDS and (second in SEEDS or second == "cuda"),
        "test_mode": last in MODES,
        "host_computes": last in HOST_DATA,
        "global_state": sets or casts,
    }
    return next((rule for rule, fires in rules.items() if fires), None)


def is_dunder(name: str) -> bool:
    """Whether Python itself gives the name a meaning: ``__init__``."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def is_private(name: str) -> bool:
    """Whether the name says that it is nobody else's business: ``_C``."""
    return name.startswith("_") and not is_dunder(name)
