"""tanh(x) * sigmoid(z), forward and backward kernels in an autograd.Function."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
DIRECTION = "backward"
ROWS = 17
COLS = 60


class Model(nn.Module):
    def forward(self, x, z):
        return torch.tanh(x) * torch.sigmoid(z)


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void forward_kernel(const float* x, const float* z, float* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = tanhf(x[i]) / (1.f + expf(-z[i]));
}

__global__ void backward_kernel(const float* grad, const float* x, const float* z, float* gx, float* gz, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const float t = tanhf(x[i]), s = 1.f / (1.f + expf(-z[i]));
        gx[i] = grad[i] * s * (1.f - t * t);
        gz[i] = grad[i] * t * s * (1.f - s);
    }
}

torch::Tensor gated_forward(torch::Tensor x, torch::Tensor z) {
    auto y = torch::empty_like(x);
    const int n = x.numel();
    forward_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), z.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}

std::vector<torch::Tensor> gated_backward(torch::Tensor grad, torch::Tensor x, torch::Tensor z) {
    auto gx = torch::empty_like(x), gz = torch::empty_like(z);
    const int n = x.numel();
    backward_kernel<<<(n + 255) / 256, 256>>>(grad.data_ptr<float>(), x.data_ptr<float>(), z.data_ptr<float>(),
                                              gx.data_ptr<float>(), gz.data_ptr<float>(), n);
    return {gx, gz};
}
"""

ext = load_inline(
    name="gated_tanh",
    cpp_sources="""#include <vector>
torch::Tensor gated_forward(torch::Tensor x, torch::Tensor z);
std::vector<torch::Tensor> gated_backward(torch::Tensor grad, torch::Tensor x, torch::Tensor z);""",
    cuda_sources=cuda_source,
    functions=["gated_forward", "gated_backward"],
)


class GatedTanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, z):
        x, z = x.contiguous(), z.contiguous()
        ctx.save_for_backward(x, z)
        return ext.gated_forward(x, z)

    @staticmethod
    def backward(ctx, grad):
        x, z = ctx.saved_tensors
        gx, gz = ext.gated_backward(grad.contiguous(), x, z)
        return gx, gz


class ModelNew(nn.Module):
    def forward(self, x, z):
        return GatedTanh.apply(x, z)
