"""Which headers and names this backend knows, and which it knows that it lacks."""

import re
from collections.abc import Iterable

from pipeline.judge.simt.errors import Unsupported
from pipeline.judge.simt.toolchain import Header

# Headers whose content is in the precompiled one: the include is dropped.
PROVIDED = re.compile(
    r"""(torch|ATen|c10|pybind11)/.*
    | cuda(_runtime(_api)?|_runtime_api|_fp16|_bf16)?\.h(pp)? | Python\.h
    | device_launch_parameters\.h | device_functions\.h | math_constants\.h | vector_(types|functions)\.h
    | sm_\d+_(atomic_functions|intrinsics)\.h(pp)? | math_functions\.h | cooperative_groups(/.*)?(\.h)?
    | driver_types\.h | host_defines\.h | library_types\.h | cuComplex\.h | cuda_profiler_api\.h
    | cuda_occupancy\.h | cuda_pipeline(_primitives|_helpers)?\.h""",
    re.VERBOSE,
)
STANDARD = frozenset(
    """vector tuple optional array algorithm limits numeric utility type_traits initializer_list cmath math.h cfloat
    float.h climits limits.h cstdint stdint.h cstddef stddef.h cstdio stdio.h cstdlib stdlib.h cstring string.h
    cassert assert.h cinttypes inttypes.h iterator unistd.h""".split()  # noqa: SIM905
)
# As above, but only in the larger precompiled header, which costs each build 60 ms more.
STANDARD_FULL = frozenset(
    """string iostream sstream iomanip functional map set memory stdexcept exception unordered_map unordered_set
    complex chrono random mutex string_view bitset deque queue""".split()  # noqa: SIM905
)
_SMALL_STD = frozenset(
    """vector tuple optional nullopt array pair min max abs fabs sqrt exp log log2 log1p expm1 pow tanh sin cos tan
    floor ceil round isnan isinf isfinite fma fmin fmax erf cbrt numeric_limits size_t ptrdiff_t int8_t int16_t
    int32_t int64_t uint8_t uint16_t uint32_t uint64_t swap move forward get tie make_tuple make_pair is_same
    is_same_v enable_if enable_if_t conditional conditional_t is_floating_point is_integral fill sort accumulate
    initializer_list clamp copy""".split()  # noqa: SIM905
)
_STD_NAME = re.compile(r"\bstd\s*::\s*(\w+)")

# Of cub, what is done by the threads of one block or warp: simt/cub.h has it.
_COLLECTIVES = (
    r"(Block|Warp)(Reduce|Scan)|Block(Reduce|Scan)Algorithm|BLOCK_(REDUCE|SCAN)_\w+|Sum|(Arg)?M(ax|in)|KeyValuePair"
)
_CUB = re.compile(r"\bcub\s*::")

# Libraries that this backend lacks: their headers, and the names by which a use of them is known. Including what is
# not used (as models like to do) does no harm.
LIBRARIES = tuple(
    (library, re.compile(header), re.compile(names))
    for library, header, names in (
        ("cub", r"cub/.*", rf"\bcub\s*::(?!\s*({_COLLECTIVES})\b)|\bnamespace\s+cub\b"),
        ("thrust", r"thrust/.*", r"\bthrust\s*::|\bnamespace\s+thrust\b"),
        ("cutlass", r"(cute|cutlass)/.*", r"\b(cute|cutlass)\s*::|\bnamespace\s+(cute|cutlass)\b"),
        ("cublas", r"cublas.*", r"\bcublas\w+|\bCUBLAS_\w+|\bgetCurrentCUDABlasHandle\b"),
        ("cudnn", r"cudnn.*", r"\bcudnn\w+"),
        ("curand", r"curand.*", r"\bcurand\w*"),
        ("cufft", r"cufft.*", r"\bcufft\w+"),
        ("cusparse", r"cusparse.*", r"\bcusparse\w+"),
        ("cusolver", r"cusolver.*", r"\bcusolver\w+"),
        ("libcu++", r"cuda/.*", r"\bcuda\s*::\s*(std|atomic|atomic_ref|barrier|pipeline|memcpy_async|ptx)\b"),
        ("asynchronous barriers", r"cuda_awbarrier.*", r"\b__mbarrier_\w+"),
        ("wmma", r"(crt/)?mma\.h", r"\bwmma\s*::\s*experimental\b|\bbmma_sync\b"),
        ("8-bit floats", r"cuda_fp8.*", r"\b__nv_fp8\w*"),
        ("NVRTC", r"nvrtc.*", r"\bnvrtc\w+"),
    )
)
UNSUPPORTED_NAMES = (
    *((names, library) for library, _, names in LIBRARIES),
    (re.compile(r"\b(asm|__asm__|__asm)\s*(volatile|__volatile__)?\s*\("), "inline PTX"),
    (re.compile(r"\bcuLaunchKernel\b|\bcudaLaunchKernelEx\w*"), "cudaLaunchKernelEx"),
    (re.compile(r"\b(tex[123]D\w*|cudaTextureObject_t|texture)\s*[<(\s]"), "textures"),
    (re.compile(r"\bTORCH_LIBRARY\w*"), "TORCH_LIBRARY"),
    (re.compile(r"\bcudaGraph\w*|\bcudaStreamBeginCapture\b"), "CUDA graphs"),
)
_16_BIT_NAME = re.compile(
    r"\b(__half\w*|half2?|half_float|__(nv_)?bfloat16\w*|nv_bfloat16\w*|__float22?(half|bfloat16|bfloat162)\w*"
    r"|__double2(half|bfloat16)|CUDART_\w+_[FB]F?16|wmma|nvcuda)\b"
)
_OPERATORS_FLAG = re.compile(r"-U\s*__CUDA_NO_(HALF2?|BFLOAT162?)_(OPERATORS|CONVERSIONS)__")
_DEFINITION = re.compile(r"-D(?P<name>[A-Za-z_]\w*)(=(?P<value>[\w.+-]*))?")
# An identifier that the compiler does not know, but that CUDA or torch may well have.
FOREIGN_NAME = re.compile(
    r"(__[a-z]\w*|cuda[A-Z]\w*|cu[A-Z]\w*|nv\w+|AT_\w+|TORCH_\w+|C10_\w+|CUDART_\w+|h(exp|log|sqrt|rcp)\w*|cyl_bessel_\w+)"
)


def is_known_header(header: str) -> bool:
    """Return whether an include can be dropped: what it brings is there anyway, or a use of it is found by name."""
    if PROVIDED.fullmatch(header) or header in STANDARD or header in STANDARD_FULL:
        return True
    return any(pattern.fullmatch(header) for _, pattern, _ in LIBRARIES)


def unsupported_name(code: str) -> str | None:
    """Return the first unsupported construct that ``code`` (without comments and strings) mentions."""
    return next((name for pattern, name in UNSUPPORTED_NAMES if pattern.search(code)), None)


def header(code: str, flags: Iterable[str]) -> Header:
    """Return the smallest precompiled header that has what ``code`` (without comments and strings) mentions.

    As torch passes them to nvcc, __half and its like have neither operators nor implicit conversions, unless
    ``flags`` take that back.
    """
    if _16_BIT_NAME.search(code):
        return "half_operators" if any(_OPERATORS_FLAG.match(flag) for flag in flags) else "half"
    return "full" if _needs_full_header(code) else "small"


def definitions(flags: Iterable[str]) -> str:
    """Return the macros that compiler flags define, on one line each.

    Raises:
        Unsupported: a definition that is more than a word or a number.
    """
    lines = []
    for flag in flags:
        if flag.startswith("-D"):
            found = _DEFINITION.fullmatch(flag)
            if found is None:
                raise Unsupported("this definition in a compiler flag", flag)
            lines.append(f"#define {found['name']} {found['value'] or 1}\n")
    return "".join(lines)


def _needs_full_header(code: str) -> bool:
    if "using namespace std" in code or "cooperative_groups" in code or _CUB.search(code):
        return True
    includes = re.findall(r"^\s*#\s*include\s*<(\w+)>", code, re.MULTILINE)
    return any(i in STANDARD_FULL for i in includes) or any(n not in _SMALL_STD for n in _STD_NAME.findall(code))
