"""Max pooling with stride, padding and dilation."""
import torch
import torch.nn as nn

CATEGORY = "pooling"
BATCH = 2
CHANNELS = 5
HEIGHT = 21
WIDTH = 19


class Model(nn.Module):
    def __init__(self, kernel_size, stride, padding, dilation):
        super().__init__()
        self.maxpool = nn.MaxPool2d(kernel_size, stride=stride, padding=padding, dilation=dilation)

    def forward(self, x):
        return self.maxpool(x)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [3, 2, 1, 2]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cfloat>

template <typename T>
__global__ void max_pool2d_kernel(const T* __restrict__ input, T* __restrict__ output, const int planes,
                                  const int in_h, const int in_w, const int out_h, const int out_w, const int kernel,
                                  const int stride, const int padding, const int dilation) {
    const int ow = blockIdx.x * blockDim.x + threadIdx.x;
    const int oh = blockIdx.y * blockDim.y + threadIdx.y;
    const int plane = blockIdx.z;
    if (ow >= out_w || oh >= out_h) return;
    T best = -FLT_MAX;
    for (int i = 0; i < kernel; ++i) {
        const int h = oh * stride - padding + i * dilation;
        if (h < 0 || h >= in_h) continue;
        for (int j = 0; j < kernel; ++j) {
            const int w = ow * stride - padding + j * dilation;
            if (w >= 0 && w < in_w) best = max(best, input[(plane * in_h + h) * in_w + w]);
        }
    }
    output[(plane * out_h + oh) * out_w + ow] = best;
}

torch::Tensor max_pool2d(torch::Tensor x, int kernel, int stride, int padding, int dilation) {
    const int h = x.size(2), w = x.size(3);
    const int out_h = (h + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    const int out_w = (w + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    TORCH_CHECK(out_h > 0 && out_w > 0, "output would be empty");
    auto y = torch::empty({x.size(0), x.size(1), out_h, out_w}, x.options());
    const dim3 threads(16, 16);
    const dim3 blocks((out_w + threads.x - 1) / threads.x, (out_h + threads.y - 1) / threads.y, x.size(0) * x.size(1));
    max_pool2d_kernel<float><<<blocks, threads>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(0) * x.size(1), h,
                                                  w, out_h, out_w, kernel, stride, padding, dilation);
    return y;
}
"""

ext = load_inline(
    name="max_pool2d",
    cpp_sources="torch::Tensor max_pool2d(torch::Tensor x, int kernel, int stride, int padding, int dilation);",
    cuda_sources=cuda_source,
    functions=["max_pool2d"],
)


class ModelNew(nn.Module):
    def __init__(self, kernel_size, stride, padding, dilation):
        super().__init__()
        self.args = (kernel_size, stride, padding, dilation)

    def forward(self, x):
        return ext.max_pool2d(x.contiguous(), *self.args)
