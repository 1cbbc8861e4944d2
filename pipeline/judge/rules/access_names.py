"""The names that ``access`` knows: what an honest answer may reach for, and what leads elsewhere."""

MODULES = frozenset({"torch", "math", "typing", "__future__", "itertools"})
# Of other modules, these names only.
NAMES = {
    "os": frozenset({"os.environ", "os.environ.get", "os.environ.setdefault", "os.getenv", "os.path", "os.getpid"})
    | {"os.makedirs"}
    | {f"os.path.{name}" for name in ("join", "dirname", "abspath", "realpath", "basename", "expanduser")},
    "warnings": frozenset({"warnings.warn", "warnings.filterwarnings", "warnings.simplefilter"})
    | {"warnings.catch_warnings"},
    "textwrap": frozenset({"textwrap.dedent", "textwrap.indent"}),
    "dataclasses": frozenset(f"dataclasses.{name}" for name in ("dataclass", "field", "replace", "asdict")),
    "enum": frozenset(f"enum.{name}" for name in ("Enum", "IntEnum", "StrEnum", "IntFlag", "auto", "unique")),
    "abc": frozenset({"abc.ABC", "abc.abstractmethod"}),
    "operator": frozenset({"operator.mul", "operator.add"}),  # functools.reduce(operator.mul, shape, 1)
    # An extension is named after its source, or like no other.
    "hashlib": frozenset({"hashlib.md5", "hashlib.sha1", "hashlib.sha256"}),
    "uuid": frozenset({"uuid.uuid4"}),
    "collections": frozenset({f"collections.{n}" for n in ("defaultdict", "OrderedDict", "deque", "namedtuple")})
    | {"collections.abc", "collections.abc.Sequence", "collections.abc.Callable", "collections.abc.Iterable"},
    "pathlib": frozenset({"pathlib.Path"}),
    "tempfile": frozenset({"tempfile.mkdtemp", "tempfile.gettempdir", "tempfile.TemporaryDirectory"})
    | {"tempfile.NamedTemporaryFile"},
    "functools": frozenset({"functools.partial", "functools.lru_cache", "functools.cache", "functools.reduce"})
    | {"functools.wraps", "functools.cached_property"},
    # For sizes and constants: a GPU's tensor is not taken by them, and what they are given of one is seen.
    "numpy": frozenset(f"numpy.{name}" for name in ("prod", "sqrt", "ceil", "floor", "log", "log2", "exp"))
    | {f"numpy.{name}" for name in ("pi", "inf", "float32", "float64", "int32", "int64")},
    "inspect": frozenset({"inspect.cleandoc"}),
    "typing_extensions": frozenset({f"typing_extensions.{name}" for name in ("override", "Self", "TypeAlias")}),
    "sys": frozenset(),  # see ``harmless``, for the logger too
    "logging": frozenset({"logging.getLogger", "logging.basicConfig", "logging.Logger", "logging.Logger.setLevel"})
    | {f"logging.{level}" for level in ("DEBUG", "INFO", "WARNING", "ERROR")}
    | {f"logging.{logger}{name}" for logger in ("", "Logger.") for name in ("debug", "info", "warning", "error")},
    "string": frozenset({"string.Template"}),
    "copy": frozenset({"copy.copy", "copy.deepcopy"}),
    "contextlib": frozenset({"contextlib.contextmanager", "contextlib.nullcontext"}),  # suppress would be a try
}
# What answers import out of habit: harmless as long as nothing reads the name. torch has imported them all before, so
# that no file of a candidate's can be what is found under the name.
IDLE_IMPORTS = frozenset(
    """argparse contextlib copy ctypes datetime gc glob importlib inspect io json logging numpy platform random re
    shutil string struct subprocess sys threading time timeit traceback types""".split()  # noqa: SIM905
)
# The arguments of a type are objects that evaluate the texts they were made from.
EVALUATES = frozenset(
    {"typing.get_args", "typing.get_type_hints", "typing.ForwardRef", "typing.evaluate_forward_ref"}
)
# Called like modules of Python, and the library's own.
OWN_NAMES = frozenset({"torch.random", "torch.select", "torch.chunk", "torch.trace", "torch.signal", "os.path"})
OWN_NAMES |= {"torch.Tensor.select", "torch.Tensor.chunk", "torch.Tensor.trace", "collections.abc"}
# Submodules of torch that load, trace, start processes or hook into dispatch.
TORCH_SUBMODULES = frozenset(
    """_dynamo _inductor multiprocessing hub package serialization fx export distributed library overrides
    futures monitor masked ao onnx profiler testing ops classes storage accelerator""".split()  # noqa: SIM905
)
IN_SUBMODULES = frozenset({"torch.library.custom_op"})  # for which ``operator_stub`` stands in
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
# Decorators and types that do nothing unless something is compiled.
MUTE_IN_COMPILERS = frozenset(f"torch.jit.{name}" for name in ("export", "ignore", "unused", "Final"))
MUTE_IN_COMPILERS |= {"torch.jit.is_scripting", "torch.jit.is_tracing"}
MUTE_IN_COMPILERS |= {"torch.compiler.disable", "torch.compiler.is_compiling"}  # see ``extension_stub``
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
# What tells where a module runs: its name and place, the process, and these variables. Builds and their folders are
# named with the help of it; what is done must not depend on it.
WHEREABOUTS = frozenset({"__name__", "__file__", "os.getpid", "uuid.uuid4"})
ENVIRONMENT = frozenset({"os.environ", "os.getenv"})
PLACES = frozenset({"HOME", "TMPDIR", "PWD", "PATH", "USER", "HOSTNAME", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"})
# What tells one installation or GPU from another, unless it is only printed.
INSTALLED = frozenset({"torch.__version__", "torch.__file__", "torch.__path__", "torch.cuda.get_device_name"})
INSTALLED |= {"torch.cuda.get_arch_list", "torch.backends.cuda.is_built", "torch.backends.cudnn.version"}
INSTALLED |= {"torch.backends.cudnn.is_available", "torch.get_default_device"}
ASKED_OF = ("torch.utils", "sys")  # of which ``hasattr`` tells where a module runs
PROPERTIES = "torch.cuda.get_device_properties"
OF_ONE_GPU = frozenset({"multi_processor_count", "total_memory", "L2_cache_size", "clock_rate", "memory_bus_width"})
# The same of a tensor: how it came to be, which is nothing to compute by.
PROVENANCE = frozenset({"storage_offset", "is_leaf", "grad_fn", "is_inference", "is_shared", "is_pinned"})
TEXT_METHODS = frozenset({"startswith", "endswith", "find", "rfind", "index", "count", "split", "partition"})
HOST_DATA = frozenset(
    {"numpy", "tolist", "from_numpy", "frombuffer", "from_dlpack", "to_dlpack", "asarray", "untyped_storage"}
    | {"storage", "typed_storage", "apply_", "map_", "map2_"}
)
READERS = frozenset({"read_text", "read_bytes", "open", "iterdir", "glob", "rglob", "symlink_to", "hardlink_to"})
READERS |= {"exists", "is_file", "is_dir", "stat", "lstat", "is_char_device", "is_mount", "owner"}
DECODERS = frozenset({"decode", "fromhex", "from_bytes", "maketrans"})
HARMLESS_DUNDERS = frozenset({"__init__", "__name__", "__doc__", "__class__", "__call__", "__version__", "__file__"})
DEFINABLE_DUNDERS = (HARMLESS_DUNDERS - {"__name__", "__class__"}) | frozenset(
    """__repr__ __str__ __len__ __getitem__ __setitem__ __iter__ __next__ __contains__ __enter__ __exit__ __new__
    __post_init__ __eq__ __hash__ __bool__ __getattr__ __all__ __slots__ __constants__ __author__""".split()  # noqa: SIM905
)
FRAMES = frozenset({"f_globals", "f_locals", "f_back", "f_builtins", "gi_frame", "gi_code", "tb_frame", "tb_next"})
FRAMES |= {"cr_frame", "ag_frame", "_getframe"}
# What an attribute alone gives away, whatever it is an attribute of.
BY_ATTRIBUTE = FRAMES | LEADING_OUT | HOST_DATA | READERS | DECODERS | {"data_ptr", "cache_info"}
# As texts: what is handed to something that looks attributes up by name.
INSIDES = frozenset(
    """__globals__ __builtins__ __code__ __closure__ __dict__ __subclasses__ __mro__ __bases__ __base__ __import__
    __loader__ __spec__ __func__ __self__ __wrapped__ __reduce__ __reduce_ex__ __getattribute__ __torch_function__
    __torch_dispatch__ __defaults__ __kwdefaults__ __traceback__ __context__ __cause__""".split()  # noqa: SIM905
)
# Private names of objects that a module may hold and that lead somewhere: a text evaluated, a tensor's bytes. That a
# module has the same name itself makes only its own objects' harmless.
PRIVATE_OF_LIBRARIES = frozenset(
    """_evaluate _typed_storage _untyped_storage _make_subclass _make_wrapper_subclass _data_ptr _cdata _storage
    _weak_ref _new_shared _share_filename_cpu_ _finalizer _rmtree _cleanup _flavour _accessor _backward_cls
    _getframe""".split()  # noqa: SIM905
)
HARMLESS_PRIVATE = frozenset({"torch._assert", "torch._check", "torch._check_value", "torch._check_type"})
HARMLESS_PRIVATE |= frozenset({"torch.nn.init._calculate_fan_in_and_fan_out", "torch.nn.init._calculate_correct_fan"})
HARMLESS_PRIVATE |= {f"torch.nn.common_types._size_{n}_t" for n in ("1", "2", "3", "any")}
HARMLESS_PRIVATE |= {f"torch.nn.modules.utils._{name}" for name in ("single", "pair", "triple", "quadruple")}
