"""Rules on what a module reaches for: imports, the interpreter's insides, torch's own, files, clocks, seeds."""

import ast
import sys
from collections.abc import Iterator
from itertools import accumulate

from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.source import Source, dotted, is_module

MODULES = frozenset({"torch", "math", "typing", "__future__", "itertools"})
# Of other modules, these names only.
NAMES = {
    "os": frozenset({"os.environ", "os.environ.get", "os.environ.setdefault", "os.path", "os.getpid", "os.makedirs"})
    | {f"os.path.{name}" for name in ("join", "dirname", "abspath", "realpath", "basename", "expanduser")},
    "warnings": frozenset({"warnings.warn", "warnings.filterwarnings", "warnings.simplefilter"}),
    "textwrap": frozenset({"textwrap.dedent", "textwrap.indent"}),
    "dataclasses": frozenset({"dataclasses.dataclass", "dataclasses.field"}),
    "enum": frozenset({"enum.Enum", "enum.IntEnum", "enum.auto"}),
    "collections": frozenset({f"collections.{n}" for n in ("defaultdict", "OrderedDict", "deque", "namedtuple")})
    | {"collections.abc", "collections.abc.Sequence", "collections.abc.Callable", "collections.abc.Iterable"},
    "pathlib": frozenset({"pathlib.Path"}),
    "tempfile": frozenset({"tempfile.mkdtemp", "tempfile.gettempdir", "tempfile.TemporaryDirectory"}),
    "functools": frozenset({"functools.partial", "functools.lru_cache", "functools.cache", "functools.reduce"})
    | {"functools.wraps", "functools.cached_property"},
}
EVALUATES = frozenset({"typing.get_type_hints", "typing.ForwardRef", "typing.evaluate_forward_ref"})
# Called like modules of Python, and the library's own.
OWN_NAMES = frozenset({"torch.random", "torch.select", "torch.chunk", "torch.trace", "torch.signal", "os.path"})
OWN_NAMES |= {"torch.Tensor.select", "torch.Tensor.chunk", "torch.Tensor.trace", "collections.abc"}
# Submodules of torch that load, trace, start processes or hook into dispatch.
TORCH_SUBMODULES = frozenset(
    """_dynamo _inductor multiprocessing hub package serialization fx export distributed library overrides
    futures monitor masked ao onnx profiler testing ops classes storage accelerator""".split()  # noqa: SIM905
)
TORCH_UTILS = frozenset({"cpp_extension", "checkpoint"})
CHECKPOINT = frozenset({"checkpoint", "checkpoint_sequential"})
# Attributes by which a module that came in under some other name leads to the interpreter or back to torch.
LEADING_OUT = frozenset(
    """sys os builtins importlib ctypes subprocess inspect gc threading socket shutil pickle multiprocessing
    torch""".split()  # noqa: SIM905
)
FILES = frozenset({"torch.load", "torch.save", "torch.from_file", "torch.hub", "torch.Tensor.share_memory_"})
COMPILERS = (
    "torch.compile",
    "torch.compiler",
    "torch.jit",
    "torch.cuda.make_graphed_callables",
    "torch.cuda.jiterator",
)
STREAMS = frozenset({"Stream", "ExternalStream", "stream", "StreamContext", "set_stream", "CUDAGraph", "graph"})
SEEDS = frozenset(
    """manual_seed manual_seed_all seed seed_all initial_seed get_rng_state set_rng_state get_rng_state_all
    default_generator fork_rng Generator random""".split()  # noqa: SIM905
)
MODES = frozenset(
    """is_grad_enabled is_inference_mode_enabled is_inference is_current_stream_capturing is_anomaly_enabled
    are_deterministic_algorithms_enabled is_autocast_enabled get_deterministic_debug_mode""".split()  # noqa: SIM905
)
DYNAMIC = frozenset(
    {"exec", "eval", "compile", "__import__", "globals", "locals", "vars", "breakpoint", "setattr", "help"}
    | {"delattr", "memoryview", "__builtins__", "getattr"}
)
HOST_DATA = frozenset(
    {"numpy", "tolist", "from_numpy", "frombuffer", "from_dlpack", "to_dlpack", "asarray", "untyped_storage"}
    | {"storage", "typed_storage", "apply_", "map_", "map2_"}
)
READERS = frozenset({"read_text", "read_bytes", "open", "iterdir", "glob", "rglob", "symlink_to", "hardlink_to"})
DECODERS = frozenset({"decode", "fromhex", "from_bytes", "maketrans"})
HARMLESS_DUNDERS = frozenset({"__init__", "__name__", "__doc__", "__class__", "__call__", "__version__", "__file__"})
DEFINABLE_DUNDERS = HARMLESS_DUNDERS | frozenset(
    """__repr__ __str__ __len__ __getitem__ __setitem__ __iter__ __next__ __contains__ __enter__ __exit__ __new__
    __post_init__ __eq__ __hash__ __bool__ __getattr__ __all__ __slots__ __constants__ __author__""".split()  # noqa: SIM905
)
FRAMES = frozenset({"f_globals", "f_locals", "f_back", "f_builtins", "gi_frame", "gi_code", "tb_frame", "tb_next"})
FRAMES |= {"cr_frame", "ag_frame", "_getframe"}
# As texts: what is handed to something that looks attributes up by name.
INSIDES = frozenset(
    """__globals__ __builtins__ __code__ __closure__ __dict__ __subclasses__ __mro__ __bases__ __base__ __import__
    __loader__ __spec__ __func__ __self__ __wrapped__ __reduce__ __reduce_ex__ __getattribute__ __torch_function__
    __torch_dispatch__ __defaults__ __kwdefaults__ __traceback__ __context__ __cause__""".split()  # noqa: SIM905
)
HARMLESS_PRIVATE = frozenset({"torch.nn.init._calculate_fan_in_and_fan_out", "torch.nn.init._calculate_correct_fan"})
HARMLESS_PRIVATE |= {f"torch.nn.modules.utils._{name}" for name in ("single", "pair", "triple", "quadruple")}


def examine(source: Source) -> Iterator[Finding]:
    """Yield what the module reaches for and an honest answer would not."""
    own = _own_private_names(source)
    for line, name in source.ambiguous:
        yield Finding("dynamic_code", line, f"{name} stands for two modules")
    for node in source.nodes:
        yield from _named(source, node, own)
        yield from _looked_up(source, node, own)
        for target in _targets(node):
            yield from _assigned(source, target, getattr(node, "lineno", target.lineno))


def _named(source: Source, node: ast.AST, own: set[str]) -> Iterator[Finding]:
    """Look at what a node names outright."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imports(node)
            if isinstance(source.parents[node], ast.ClassDef):
                yield Finding("dynamic_code", node.lineno, "an import in a class, where it becomes an attribute")
        case ast.Name(id=name):
            yield from _name(source, node, name)
            if isinstance(node.ctx, ast.Load):
                yield from _passed_on(source, node)
        case ast.Attribute(attr=attr):
            yield from _passed_on(source, node)
            if attr == "__class__" and not _is_named(source, node):
                yield Finding("introspection", node.lineno, ".__class__")
            yield from _attribute(source.path(node), attr, node.lineno)
            if _is_private(attr) and not source.path(node) and attr not in own:
                yield Finding("private_api", node.lineno, f".{attr}, which this module does not define")
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            if _is_dunder(name) and name not in DEFINABLE_DUNDERS:
                yield Finding("introspection", node.lineno, f"defines {name}")


def _looked_up(source: Source, node: ast.AST, own: set[str]) -> Iterator[Finding]:
    """Look at ways to an attribute that do not spell it as one."""
    match node:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, name, *_]):
            yield from _getattr(source, owner, name, own)
        case ast.Call(func=function) if source.path(function) == "functools.wraps":
            if len(node.args) != 1 or node.keywords:
                yield Finding("dynamic_code", node.lineno, "functools.wraps with a choice of attributes")
        case ast.MatchClass(patterns=patterns, kwd_attrs=names):
            if patterns:
                yield Finding("introspection", node.lineno, "a class pattern that does not say which attributes")
            for name in names:
                yield from _attribute("", name, node.lineno)
        case ast.Constant(value=str(text)) if text in INSIDES:
            yield Finding("introspection", node.lineno, f"names {text}")


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
    if isinstance(node, ast.ImportFrom) and node.level:
        yield Finding("import", node.lineno, "a relative import")
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        path = prefix + alias.name
        whole = isinstance(node, ast.Import) and path in NAMES
        if alias.name == "*":
            yield Finding("import", node.lineno, f"imports {path}")
        elif not whole:
            yield from _library_path(path, node.lineno)


def _name(source: Source, node: ast.Name, name: str) -> Iterator[Finding]:
    if isinstance(node.ctx, ast.Load):
        parent = source.parents[node]
        if name in DYNAMIC and not (name == "getattr" and isinstance(parent, ast.Call) and parent.func is node):
            yield Finding("dynamic_code", node.lineno, f"{name}()")
        elif name == "open":
            yield Finding("files", node.lineno, "open()")
        elif name in ("chr", "bytes", "bytearray"):
            yield Finding("hidden_source", node.lineno, f"{name}()")
        elif name == "id":
            yield Finding("cache_key", node.lineno, "id()")
        elif name == "type" and not _asks_for_type(source, parent, node):
            yield Finding("dynamic_code", node.lineno, "type() for more than to compare or to name one")
    if _is_dunder(name) and name not in (HARMLESS_DUNDERS if isinstance(node.ctx, ast.Load) else DEFINABLE_DUNDERS):
        yield Finding("introspection", node.lineno, name)
    if name == "__name__" and isinstance(node.ctx, ast.Store):
        yield Finding("introspection", node.lineno, "assigns __name__")


def _asks_for_type(source: Source, call: ast.AST, node: ast.Name) -> bool:
    """Whether it is ``type(x)``, compared or named, and not a class that is made or called."""
    if isinstance(call, ast.Call) and call.func is node and len(call.args) == 1 and not call.keywords:
        user = source.parents[call]
        names = isinstance(user, ast.Attribute) and user.attr in ("__name__", "__doc__")
        return names or isinstance(user, ast.Compare | ast.FormattedValue)
    return isinstance(call, ast.Subscript | ast.arg | ast.AnnAssign | ast.BinOp)  # an annotation


def _is_named(source: Source, node: ast.Attribute) -> bool:
    """Whether it is ``x.__class__.__name__``."""
    parent = source.parents[node]
    return isinstance(parent, ast.Attribute) and parent.attr in ("__name__", "__doc__")


def _passed_on(source: Source, node: ast.expr) -> Iterator[Finding]:
    """A module that is passed around could be looked into under another name."""
    path = source.path(node)
    if path and is_module(path):
        parent = source.parents[node]
        asks = (
            isinstance(parent, ast.Call) and dotted(parent.func) in ("hasattr", "getattr") and parent.args[0] is node
        )
        renames = (
            isinstance(parent, ast.Assign)
            and all(isinstance(t, ast.Name) for t in parent.targets)
            and not isinstance(source.parents[parent], ast.ClassDef)
        )
        if not (isinstance(parent, ast.Attribute) or asks or renames):
            yield Finding("dynamic_code", node.lineno, f"passes the module {path} on")


def _attribute(path: str, attr: str, line: int) -> Iterator[Finding]:
    if attr in FRAMES or (_is_dunder(attr) and attr not in HARMLESS_DUNDERS):
        yield Finding("introspection", line, f".{attr}")
    elif path:
        yield from _library_path(path, line)
    elif attr in LEADING_OUT:
        yield Finding("import", line, f".{attr}")
    elif attr in HOST_DATA:
        yield Finding("host_computes", line, f".{attr}: takes a tensor's data to where no kernel runs")
    elif attr in READERS:
        yield Finding("files", line, f".{attr}")
    elif attr in DECODERS:
        yield Finding("hidden_source", line, f".{attr}")
    elif attr == "_version":
        yield Finding("cache_key", line, "._version")


def _library_path(path: str, line: int) -> Iterator[Finding]:
    """Look at something of a library by its full path; at most one rule fires."""
    parts = path.split(".")
    root, last = parts[0], parts[-1]
    if rule := _rule_of_torch(path, parts, last) if root == "torch" else None:
        yield Finding(rule, line, path)
    elif path in HARMLESS_PRIVATE:
        return
    elif any(map(_is_private, parts)):
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
    rules = {
        "torch_compile": path.startswith(COMPILERS),
        "files": path in FILES or path.startswith("torch.hub."),
        "timing": path.startswith("torch.utils.benchmark")
        or (last in ("Event", "elapsed_time") and second == "cuda"),
        "import": second in TORCH_SUBMODULES
        or "torch" in parts[1:]
        or (second == "utils" and len(parts) > 2 and parts[2] not in TORCH_UTILS)
        or (parts[1:3] == ["utils", "checkpoint"] and not CHECKPOINT.issuperset(parts[3:])),
        "stream": second in ("cuda", "Stream") and last in STREAMS,
        "seed": last in SEEDS and (second in SEEDS or second == "cuda"),
        "test_mode": last in MODES,
        "host_computes": last in HOST_DATA,
        "global_state": sets or casts,
    }
    return next((rule for rule, fires in rules.items() if fires), None)


def _getattr(source: Source, owner: ast.expr, name: ast.expr, own: set[str]) -> Iterator[Finding]:
    """A literal name is as good as an attribute; another one is for choosing among an extension's functions only."""
    path, line = source.path(owner), owner.lineno
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        yield from _attribute(f"{path}.{name.value}" if path else "", name.value, line)
        if not path and _is_private(name.value) and name.value not in own:
            yield Finding("private_api", line, f".{name.value}, which this module does not define")
    elif path or dotted(owner).removeprefix("self.") not in source.extensions or not _starts_with_letter(name):
        yield Finding("dynamic_code", line, f"getattr({dotted(owner) or '...'}, {ast.unparse(name)[:60]})")


def _starts_with_letter(text: ast.expr) -> bool:
    match text:
        case ast.Constant(value=str(value)):
            return value[:1].isalpha()
        case ast.BinOp(left=left, op=ast.Add()):
            return _starts_with_letter(left)
        case ast.JoinedStr(values=[first, *_]):
            return _starts_with_letter(first)
    return False


def _targets(node: ast.AST) -> list[ast.expr]:
    """Return what a statement binds or deletes."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return [target]
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return [target]
        case ast.withitem(optional_vars=ast.expr() as target) | ast.comprehension(target=target):
            return [target]
    return []


def _assigned(source: Source, target: ast.AST, line: int) -> Iterator[Finding]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _assigned(source, element, line)
    elif isinstance(target, ast.Attribute | ast.Subscript):
        path = source.path(target if isinstance(target, ast.Attribute) else target.value)
        if path.startswith("torch.backends."):
            yield Finding("global_state", line, f"sets {path}")
        elif path and path != "os.environ":
            yield Finding("patches_library", line, f"assigns to {path}")


def _own_private_names(source: Source) -> set[str]:
    """Return the private names that the module itself defines, and those of nn.Module's containers."""
    names = {"_parameters", "_buffers", "_modules"}
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # register_buffer("_mask", ...)
            names.add(node.value)
    return names


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not _is_dunder(name)
