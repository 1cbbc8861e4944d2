"""A PYBIND11_MODULE of its own inside load_inline, with named arguments and a default."""
import torch
import torch.nn as nn

CATEGORY = "activation"
N = 900


class Model(nn.Module):
    def forward(self, x):
        return torch.where(x.abs() > 0.5, x, torch.zeros_like(x))


def get_inputs():
    return [torch.randn(N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cpp_source = r"""
#include <torch/extension.h>

torch::Tensor hardshrink_forward(torch::Tensor input, double lambda_value);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.doc() = "hard shrinkage";
    m.def("forward", &hardshrink_forward, "Hard shrinkage (CUDA)", py::arg("input"), py::arg("lambda_value") = 0.5);
}
"""

cuda_source = r"""
#include <torch/extension.h>

#define CHECK_CUDA(x) TORCH_CHECK(x.is_cuda(), #x " must be a CUDA tensor")
#define CHECK_CONTIGUOUS(x) TORCH_CHECK(x.is_contiguous(), #x " must be contiguous")
#define CHECK_INPUT(x) \
    CHECK_CUDA(x);     \
    CHECK_CONTIGUOUS(x)

__global__ void hardshrink_kernel(const float* input, float* output, float limit, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) output[i] = fabsf(input[i]) > limit ? input[i] : 0.0f;
}

torch::Tensor hardshrink_forward(torch::Tensor input, double lambda_value) {
    CHECK_INPUT(input);
    auto output = torch::empty_like(input);
    int n = input.numel();
    hardshrink_kernel<<<(n + 1023) / 1024, 1024>>>(input.data_ptr<float>(), output.data_ptr<float>(),
                                                   static_cast<float>(lambda_value), n);
    return output;
}
"""

hardshrink = load_inline(name="hardshrink", cpp_sources=cpp_source, cuda_sources=cuda_source)


class ModelNew(nn.Module):
    def forward(self, x):
        return hardshrink.forward(input=x.contiguous())
