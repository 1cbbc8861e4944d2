"""Concatenation of a list of tensors, each through a function of a table in device memory."""
import torch
import torch.nn as nn

CATEGORY = "movement"


class Model(nn.Module):
    def forward(self, a, b, c):
        return torch.cat([torch.relu(a), torch.tanh(b), torch.abs(c)], dim=1)
B = 3
CA = 4
CB = 7
CC = 2
H = 9
W = 8


def get_inputs():
    return [torch.randn(B, CA, H, W), torch.randn(B, CB, H, W), torch.randn(B, CC, H, W)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
using Activation = float (*)(float);
__device__ float act_relu(float v) { return fmaxf(v, 0.f); }
__device__ float act_tanh(float v) { return tanhf(v); }
__device__ float act_abs(float v) { return fabsf(v); }
__device__ Activation activations[] = {act_relu, act_tanh, act_abs};

constexpr int kMaxInputs = 8;
struct Inputs {
    const float* data[kMaxInputs];
    int channels[kMaxInputs];
    int offset[kMaxInputs];
    int count;
};

__global__ void cat_activate(const __grid_constant__ Inputs in, float* __restrict__ out, int total_channels, int hw) {
    const int which = blockIdx.y, n = blockIdx.z;
    if (which >= in.count) return;
    const Activation f = activations[which];
    const int count = in.channels[which] * hw;
    const float* from = in.data[which] + (size_t)n * count;
    float* to = out + ((size_t)n * total_channels + in.offset[which]) * hw;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) to[i] = f(from[i]);
}

torch::Tensor cat_act(at::TensorList tensors) {
    TORCH_CHECK(!tensors.empty() && tensors.size() <= kMaxInputs, "1 to 8 tensors");
    Inputs in{};
    int total = 0, widest = 0;
    for (const auto& t : tensors) {
        TORCH_CHECK(t.is_contiguous());
        in.data[in.count] = t.data_ptr<float>();
        in.channels[in.count] = t.size(1);
        in.offset[in.count++] = total;
        total += t.size(1);
        widest = std::max<int>(widest, t.size(1));
    }
    const auto& first = tensors[0];
    const int hw = first.size(2) * first.size(3);
    auto out = torch::empty({first.size(0), total, first.size(2), first.size(3)}, first.options());
    cat_activate<<<dim3((widest * hw + 127) / 128, in.count, first.size(0)), 128>>>(in, out.data_ptr<float>(), total, hw);
    return out;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("cat_act", [](std::vector<torch::Tensor> tensors) { return cat_act(tensors); }, py::arg("tensors"));
}
"""
ext = load_inline(name="cat_act", cpp_sources="", cuda_sources=src)
class ModelNew(nn.Module):
    def forward(self, *tensors):
        return ext.cat_act([t.contiguous() for t in tensors])
