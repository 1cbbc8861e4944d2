"""A fused linear layer and ReLU that saves what its way back would need, if there is to be one; frozen in evaluation."""
import torch
import torch.nn as nn

CATEGORY = "fused"
BATCH = 9
IN = 33
OUT = 21


class Model(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x):
        return torch.relu(self.linear(x))


def get_inputs():
    return [torch.randn(BATCH, IN)]


def get_init_inputs():
    return [IN, OUT]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void linear_relu_kernel(const float* x, const float* w, const float* b, float* y, bool* on, int rows, int in,
                                   int out) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * out) return;
    const int row = i / out, o = i % out;
    float sum = b[o];
    for (int k = 0; k < in; ++k) sum = fmaf(x[row * in + k], w[o * in + k], sum);
    y[i] = fmaxf(sum, 0.f);
    if (on != nullptr) on[i] = sum > 0.f;
}

torch::Tensor linear_relu(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor on) {
    const int rows = x.size(0), in = x.size(1), out = w.size(0);
    auto y = torch::empty({rows, out}, x.options());
    linear_relu_kernel<<<(rows * out + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(),
                                                          y.data_ptr<float>(),
                                                          on.numel() ? on.data_ptr<bool>() : nullptr, rows, in, out);
    return y;
}
"""

ext = load_inline(
    name="linear_relu_saving",
    cpp_sources="torch::Tensor linear_relu(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor on);",
    cuda_sources=cuda_source,
    functions=["linear_relu"],
)


class LinearReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b):
        saves = x.requires_grad or w.requires_grad
        on = torch.empty((x.shape[0], w.shape[0]) if saves else (0,), dtype=torch.bool, device=x.device)
        y = ext.linear_relu(x, w, b, on)
        if saves:
            ctx.save_for_backward(x, w, on)
        return y

    @staticmethod
    def backward(ctx, grad):
        raise NotImplementedError("the way back comes later")


class ModelNew(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x):
        if not self.training:
            self.linear.requires_grad_(False)
        return LinearReLU.apply(x.contiguous(), self.linear.weight, self.linear.bias)
