"""Linear and ReLU: gradients of input, weight and bias by three kernels."""
import torch
import torch.nn as nn

CATEGORY = "fused"
DIRECTION = "backward"
BATCH = 18
INPUT = 22
OUTPUT = 26


class Model(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x):
        return torch.relu(self.linear(x))


def get_inputs():
    return [torch.randn(BATCH, INPUT)]


def get_init_inputs():
    return [INPUT, OUTPUT]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void forward_kernel(const float* x, const float* w, const float* b, float* y, int rows, int in, int out) {
    const int o = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;
    if (o >= out || r >= rows) return;
    float acc = b[o];
    for (int i = 0; i < in; ++i) acc += x[r * in + i] * w[o * in + i];
    y[r * out + o] = acc > 0.f ? acc : 0.f;
}

__global__ void grad_input(const float* g, const float* y, const float* w, float* gx, int rows, int in, int out) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= in || r >= rows) return;
    float acc = 0.f;
    for (int o = 0; o < out; ++o)
        if (y[r * out + o] > 0.f) acc += g[r * out + o] * w[o * in + i];
    gx[r * in + i] = acc;
}

__global__ void grad_weight(const float* g, const float* y, const float* x, float* gw, float* gb, int rows, int in,
                            int out) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x, o = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= in || o >= out) return;
    float acc = 0.f, bias = 0.f;
    for (int r = 0; r < rows; ++r)
        if (y[r * out + o] > 0.f) {
            acc += g[r * out + o] * x[r * in + i];
            bias += g[r * out + o];
        }
    gw[o * in + i] = acc;
    if (i == 0) gb[o] = bias;
}

static dim3 grid_for(int x, int y) { return dim3((x + 15) / 16, (y + 7) / 8); }

torch::Tensor linear_relu(torch::Tensor x, torch::Tensor w, torch::Tensor b) {
    const int rows = x.size(0), in = x.size(1), out = w.size(0);
    auto y = torch::empty({rows, out}, x.options());
    forward_kernel<<<grid_for(out, rows), dim3(16, 8)>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(),
                                                         y.data_ptr<float>(), rows, in, out);
    return y;
}

std::vector<torch::Tensor> linear_relu_backward(torch::Tensor g, torch::Tensor y, torch::Tensor x, torch::Tensor w) {
    const int rows = x.size(0), in = x.size(1), out = w.size(0);
    auto gx = torch::empty_like(x), gw = torch::empty_like(w), gb = torch::empty({out}, w.options());
    grad_input<<<grid_for(in, rows), dim3(16, 8)>>>(g.data_ptr<float>(), y.data_ptr<float>(), w.data_ptr<float>(),
                                                    gx.data_ptr<float>(), rows, in, out);
    grad_weight<<<grid_for(in, out), dim3(16, 8)>>>(g.data_ptr<float>(), y.data_ptr<float>(), x.data_ptr<float>(),
                                                    gw.data_ptr<float>(), gb.data_ptr<float>(), rows, in, out);
    return {gx, gw, gb};
}
"""

ext = load_inline(
    name="linear_relu_backward",
    cpp_sources="""#include <vector>
torch::Tensor linear_relu(torch::Tensor x, torch::Tensor w, torch::Tensor b);
std::vector<torch::Tensor> linear_relu_backward(torch::Tensor g, torch::Tensor y, torch::Tensor x, torch::Tensor w);""",
    cuda_sources=cuda_source,
    functions=["linear_relu", "linear_relu_backward"],
)


class LinearReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        y = ext.linear_relu(x, weight, bias)
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx, grad):
        x, weight, y = ctx.saved_tensors
        gx, gw, gb = ext.linear_relu_backward(grad.contiguous(), y, x, weight)
        return gx, gw, gb


class ModelNew(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x):
        return LinearReLU.apply(x.contiguous(), self.linear.weight, self.linear.bias)
