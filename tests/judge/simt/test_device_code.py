"""What nvcc refuses in device code, and near misses that it takes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.judge.simt.device_code import problems

KERNEL = "__global__ void k(const float* x, float* y, int n) {{ int i = threadIdx.x; {body} }}"
HOST = "float twice(float v) { return 2.f * v; }\n"
REFUSED = [
    (HOST, "y[i] = twice(x[i]);", "calling a __host__ function"),
    ("#define APPLY(v) twice(v)\n" + HOST, "y[i] = APPLY(x[i]);", "calling a __host__ function"),
    ("template <class T> T twice(T v) { return v + v; }\n", "y[i] = twice(x[i]);", "calling a __host__ function"),
    (
        "struct S { float twice(float v) { return v; } };\n",
        "S s; y[i] = s.twice(x[i]);",
        "calling a __host__ function",
    ),
    ("", "y[i] = x[i] + rand();", "calling a __host__ function"),
    ("static float table[2] = {1.f, 2.f};\n", "y[i] = table[0];", "undefined in device code"),
    ("static const float table[2] = {1.f, 2.f};\n", "y[i] = table[i];", "undefined in device code"),
    ("float factor = 2.f;\n", "y[i] = factor;", "undefined in device code"),
    ("#include <vector>\n", "std::vector<float> v(1, x[i]); y[i] = v[0];", "belongs to the host"),
    ("", "float row[n]; row[0] = x[i]; y[i] = row[0];", "must have a constant value"),
    ("", "if (i > n) throw 1; y[i] = x[i];", "exception"),
]
TAKEN = [
    ("__device__ " + HOST, "y[i] = twice(x[i]);"),
    ("#define HD __host__ __device__\nHD " + HOST, "y[i] = twice(x[i]);"),
    ("__device__ float twice(float v);\n__device__ " + HOST, "y[i] = twice(x[i]);"),
    (HOST + "__device__ double twice(double v) { return v; }\n", "y[i] = twice((double)x[i]);"),
    (HOST, "auto twice = [](float v) { return 2.f * v; }; y[i] = twice(x[i]);"),
    ("constexpr int twice(int v) { return 2 * v; }\n", "float row[twice(2)]; row[0] = x[i]; y[i] = row[0];"),
    ("struct S { __device__ float twice(float v) { return v; } };\n", "S s; y[i] = s.twice(x[i]);"),
    ("static const float factor = 2.f;\n", "y[i] = factor * x[i];"),
    ("__device__ float table[2]; __constant__ float more[2];\n", "y[i] = table[0] + more[0];"),
    ("float factor = 2.f;\n", "float factor = 3.f; y[i] = factor * x[i];"),
    ("#define WIDTH 4\nenum { kRows = 2 };\n", "float row[WIDTH][kRows]; row[0][0] = x[i]; y[i] = row[0][0];"),
    (
        "__global__ void a(float*) {}\nvoid f(float* x) { void (*kernel)(float*) = a; kernel<<<1, 1>>>(x); }\n",
        "y[i] = x[i];",
    ),
    (
        "#define MOST(n) __launch_bounds__(n)\nenum { kM = 64 };\nMOST(kM) __global__ void a() {}\nvoid f() { a<<<1, 1>>>(); }\n",
        "y[i] = x[i];",
    ),
    ("", "const int width = 4; float row[width]; row[0] = x[i]; y[i] = row[0];"),
]


@pytest.mark.parametrize(("before", "body", "text"), REFUSED)
def test_what_belongs_to_the_host_is_refused_in_a_kernel(before: str, body: str, text: str):
    (problem, *_) = problems(before + KERNEL.format(body=body))
    assert text in str(problem)
    assert problem.line == before.count("\n") + 1


@pytest.mark.parametrize(("before", "body"), TAKEN)
def test_what_device_code_may_use_is_not(before: str, body: str):
    assert problems(before + KERNEL.format(body=body)) == []


def test_nvcc_says_the_same(tmp_path: Path):
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("nvcc is not installed")

    def compiles(name: str, text: str) -> bool:
        path = tmp_path / f"{name}.cu"
        path.write_text(text)
        options = ["-arch=sm_80", "-std=c++17", "--expt-relaxed-constexpr", "-cubin", "-o", "/dev/null"]
        done = subprocess.run([nvcc, *options, str(path)], capture_output=True, check=False, timeout=120)
        return done.returncode == 0

    parts = (f"namespace n{i} {{\n{before}{KERNEL.format(body=body)}\n}}\n" for i, (before, body) in enumerate(TAKEN))
    assert compiles("taken", "".join(parts))
    for number, (before, body, _) in enumerate(REFUSED[::4]):
        assert not compiles(f"refused{number}", before + KERNEL.format(body=body))
