"""What the compiler is told in every build."""

import subprocess

SOURCES = ("cuda.cu", "main.cpp")  # of an extension, as torch calls them and messages do
# Measured: -O1 costs an elementwise extension 71 ms where -O0 costs 65, and a tiled matmul runs in 3/4 of the time.
# No contraction: a * b + c rounds twice, as the reference does. No strict aliasing: CUDA code reads float arrays as
# float4. Guarded memory finds accesses beyond what the runtime allocates; those beyond arrays and variables that the
# compiler knows, a thread's own and the extension's, it has to look for itself (object-size).
FLAGS = (
    *("-std=gnu++17", "-O1", "-fPIC", "-w", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-threadsafe-statics", "-fno-semantic-interposition"),
    *("-fstack-clash-protection", "-fno-stack-protector", "-fsanitize=object-size", "-fmax-errors=5"),
    *("-fdiagnostics-color=never", "-fno-diagnostics-show-caret"),
    # What __FILE__ is where torch builds an extension.
    *(f"-fmacro-prefix-map={name}=/root/.cache/torch_extensions/py311_cu124/kernel/{name}" for name in SOURCES),
)
# For sources that make pointers of others: a GPU reads 16 bytes at once only from a multiple of 16, a CPU anywhere.
ALIGNMENT_FLAGS = ("-fsanitize=alignment",)
# For a second build, which explains a failure: hooks before every access (runtime/instrument.cpp) and line numbers,
# some of which are lost beside the checks of objects.
INSTRUMENTED_FLAGS = (
    *("-fsanitize=thread", "-fno-sanitize=object-size", "-g1", "-fno-builtin-memcpy"),
    *("--param", "tsan-distinguish-volatile=1", "--param", "tsan-instrument-func-entry-exit=0"),
)
# A variable that nobody has set is a large number, and is the same in every build; without this it is what the
# optimiser likes best, which is often the zero that its author forgot. g++ has it from version 12 on.
UNSET_FLAGS = ("-ftrivial-auto-var-init=pattern",)


def flags_for(compiler: str) -> tuple[str, ...]:
    """Return ``FLAGS``, and those of the others that a compiler knows."""
    command = [compiler, *UNSET_FLAGS, "-fsyntax-only", "-x", "c++", "/dev/null"]
    known = subprocess.run(command, capture_output=True, check=False).returncode == 0
    return (*FLAGS, *UNSET_FLAGS) if known else FLAGS
