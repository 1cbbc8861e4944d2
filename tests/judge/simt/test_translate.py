"""Translation keeps lines, and says what it does not know."""

import pytest

from pipeline.judge.simt.errors import Unsupported
from pipeline.judge.simt.translate import translate
from tests.judge.simt.sources import EXAMPLES

LAUNCHES = r"""// a<<<1, 2>>>(x) in a comment stays
#include <torch/extension.h>
#define RUN(k) \
    k<<<grid, block>>>( \
        x)
const char* text = "b<<<1, 2>>>(x)";
void f() {
    k<float, 4><<<dim3(1,
                       2),
                  32, n * sizeof(float), stream>>>(
        x,
        NULL);
    AT_DISPATCH_FLOATING_TYPES(t, "k", ([&] { ns::k<scalar_t><<<g, b>>>(x.data_ptr<scalar_t>()); }));
}"""


@pytest.mark.parametrize("source", [e.source.cuda for e in EXAMPLES.values()] + [LAUNCHES])
def test_lines_are_kept(source: str):
    translated = translate(source).split("\n")
    assert len(translated) == source.count("\n") + 1
    for before, after in zip(source.split("\n"), translated, strict=True):
        if not any(mark in before for mark in ("<<<", ">>>", "__shared__", "#include", "NULL")):
            assert before.strip() in after


def test_launches_carry_name_and_line():
    translated = translate(LAUNCHES)
    assert translated.startswith("// a<<<1, 2>>>(x) in a comment stays\n")
    assert '"b<<<1, 2>>>(x)"' in translated
    assert 'simt::Launch("k<float, 4>", 8, dim3(1,' in translated
    assert 'simt::Launch("ns::k<scalar_t>", 13, g, b)' in translated
    assert 'simt::Launch("k", __LINE__, grid, block)' in translated
    assert "nullptr" in translated


def test_an_argument_in_braces_becomes_one_where_the_kernel_s_types_are_known():
    translated = translate("void f() {\n    k<<<1, 32>>>(x, {n,\n        2}, y);\n}")
    assert "[&](auto simt_0, auto simt_1, auto simt_2) SIMT_UNCHECKED { " in translated
    assert "k(simt_0, {n, 2}, simt_2); }, x, 0\n, y);" in translated


@pytest.mark.parametrize(
    ("source", "construct"),
    [
        ("__global__ void k() { using Reduce = cub::BlockRadixSort<float, 256, 4>; }", "cub"),
        ("using namespace cub;", "cub"),
        ("void f() { thrust::sort(a, b); }", "thrust"),
        ("void f() { cublasHandle_t handle; }", "cublas"),
        ("__global__ void k(curandState* state) {}", "curand"),
        ('__device__ int lane() { int l; asm volatile("mov.u32 %0, %laneid;" : "=r"(l)); return l; }', "inline PTX"),
        (
            "using namespace nvcuda; wmma::fragment<wmma::matrix_a, 8, 8, 128, wmma::experimental::precision::b1> a;",
            "wmma",
        ),
        ("__global__ void k(cudaTextureObject_t t) {}", "textures"),
        ('TORCH_LIBRARY_FRAGMENT(mine, m) { m.def("f", f); }', "TORCH_LIBRARY"),
        ("__global__ void c(); __global__ void k() { c<<<1, 1>>>(); }", "dynamic parallelism"),
    ],
)
def test_unsupported_constructs_are_named(source: str, construct: str):
    with pytest.raises(Unsupported) as caught:
        translate(source)
    assert caught.value.construct == construct


def test_what_each_thread_has_is_static_where_there_is_one_thread():
    source = "thread_local int a;\nstatic thread_local int b;\nint f() { thread_local static int c; return c; }"
    expected = "static int a;\nstatic  int b;\nint f() {  static int c; return c; }"
    assert translate(source).strip() == expected


def test_including_a_library_that_is_not_used_does_no_harm():
    assert translate("#include <cublas_v2.h>\n#include <cub/cub.cuh>\nint x;").strip() == "int x;"


def test_words_in_comments_and_strings_are_no_constructs():
    translate('// cub::BlockReduce, asm("x")\nconst char* s = "thrust::sort";')
