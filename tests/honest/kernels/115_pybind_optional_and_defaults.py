"""A module of several functions: an optional tensor, strings, booleans, defaults, a tuple back."""
import torch
import torch.nn as nn

CATEGORY = "activation"
N = 210


class Model(nn.Module):
    def forward(self, x, m):
        y = x * 3 if m is None else x * 3 + m
        return y, y.abs(), (y > 0)


def get_inputs():
    return [torch.randn(N), torch.randn(N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
#include <pybind11/stl.h>
#include <optional>
#include <string>
#include <tuple>
#include <vector>
namespace {
template <typename F> __global__ void map_kernel(F f, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) f(i); }
struct Affine { const float* x; const float* m; float* y; float scale; __device__ void operator()(int i) const { y[i] = m ? fmaf(x[i], scale, m[i]) : x[i] * scale; } };
struct Abs { const float* x; float* y; __device__ void operator()(int i) const { y[i] = fabsf(x[i]); } };
struct Positive { const float* x; bool* y; __device__ void operator()(int i) const { y[i] = x[i] > 0.f; } };
template <typename F> void map(F f, int64_t n) { map_kernel<<<(int)((n + 63) / 64), 64>>>(f, (int)n); }
}
std::tuple<at::Tensor, at::Tensor, at::Tensor> all_of_it(at::Tensor x, std::optional<at::Tensor> m, double scale, bool check, const std::string& name, std::vector<int64_t> shape) {
    if (check) TORCH_CHECK(x.dtype() == torch::kFloat32, name, ": float32 expected");
    const int64_t n = x.numel();
    auto y = torch::empty(shape, x.options()), a = torch::empty(shape, x.options()), p = torch::empty(shape, x.options().dtype(torch::kBool));
    map(Affine{x.data_ptr<float>(), m ? m->data_ptr<float>() : nullptr, y.data_ptr<float>(), (float)scale}, n);
    map(Abs{y.data_ptr<float>(), a.data_ptr<float>()}, n);
    map(Positive{y.data_ptr<float>(), p.data_ptr<bool>()}, n);
    return {y, a, p};
}
int version() { return 3; }
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("all_of_it", &all_of_it, py::arg("x"), py::arg("m") = py::none(), py::arg("scale") = 3.0, py::arg("check") = true, py::arg("name") = "all_of_it", py::arg("shape"));
    m.def("version", &version);
    m.def("twice", [](int64_t n) { return 2 * n; });
}
"""
ext = load_inline("many", cpp_sources=[], cuda_sources=[src])


class ModelNew(nn.Module):
    def forward(self, x, m=None):
        y, a, p = ext.all_of_it(x, m, shape=list(x.shape), check=ext.version() == 3)
        return (y, a, p)
