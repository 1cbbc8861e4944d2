"""2D convolution, the input tile with its halo in shared memory, ReLU and a bias of its own after it."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 2
IN_CHANNELS = 3
OUT_CHANNELS = 8
KERNEL = 3
HEIGHT = 17
WIDTH = 14


class Model(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, bias_shape):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel)
        self.bias = nn.Parameter(torch.randn(bias_shape))

    def forward(self, x):
        return torch.relu(self.conv(x)) + self.bias


def get_inputs():
    return [torch.randn(BATCH, IN_CHANNELS, HEIGHT, WIDTH)]


def get_init_inputs():
    return [IN_CHANNELS, OUT_CHANNELS, KERNEL, (OUT_CHANNELS, 1, 1)]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#define TILE 8

__global__ void conv_relu_bias(const float* __restrict__ x, const float* __restrict__ w,
                               const float* __restrict__ conv_bias, const float* __restrict__ bias,
                               float* __restrict__ y, int cin, int h, int width, int cout, int k) {
    extern __shared__ float tile[];
    const int side = TILE + k - 1;
    const int oh = h - k + 1, ow = width - k + 1;
    const int b = blockIdx.z / cout, co = blockIdx.z % cout;
    const int row0 = blockIdx.y * TILE, col0 = blockIdx.x * TILE;
    const int row = row0 + threadIdx.y, col = col0 + threadIdx.x;
    float acc = conv_bias[co];
    for (int ci = 0; ci < cin; ++ci) {
        const float* in = x + ((size_t)b * cin + ci) * h * width;
        for (int i = threadIdx.y * TILE + threadIdx.x; i < side * side; i += TILE * TILE) {
            const int r = row0 + i / side, c = col0 + i % side;
            tile[i] = (r < h && c < width) ? in[r * width + c] : 0.f;
        }
        __syncthreads();
        const float* weights = w + ((size_t)co * cin + ci) * k * k;
        for (int i = 0; i < k; ++i)
            for (int j = 0; j < k; ++j)
                acc += tile[(threadIdx.y + i) * side + threadIdx.x + j] * weights[i * k + j];
        __syncthreads();
    }
    if (row < oh && col < ow) y[(((size_t)b * cout + co) * oh + row) * ow + col] = fmaxf(acc, 0.f) + bias[co];
}

torch::Tensor conv_relu_bias_cuda(torch::Tensor x, torch::Tensor w, torch::Tensor conv_bias, torch::Tensor bias) {
    const int batch = x.size(0), cin = x.size(1), h = x.size(2), width = x.size(3), cout = w.size(0), k = w.size(2);
    TORCH_CHECK(w.size(3) == k, "square kernels only");
    TORCH_CHECK(h >= k && width >= k, "the input is smaller than the kernel");
    auto y = torch::empty({batch, cout, h - k + 1, width - k + 1}, x.options());
    dim3 block(TILE, TILE);
    dim3 grid((width - k + TILE) / TILE, (h - k + TILE) / TILE, batch * cout);
    const size_t bytes = sizeof(float) * (TILE + k - 1) * (TILE + k - 1);
    conv_relu_bias<<<grid, block, bytes>>>(x.data_ptr<float>(), w.data_ptr<float>(), conv_bias.data_ptr<float>(),
                                           bias.data_ptr<float>(), y.data_ptr<float>(), cin, h, width, cout, k);
    return y;
}
"""

ext = load_inline(
    name="conv_relu_bias",
    cpp_sources="torch::Tensor conv_relu_bias_cuda(torch::Tensor x, torch::Tensor w, torch::Tensor conv_bias, torch::Tensor bias);",
    cuda_sources=cuda_source,
    functions=["conv_relu_bias_cuda"],
)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, bias_shape):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel)
        self.bias = nn.Parameter(torch.randn(bias_shape))

    def forward(self, x):
        return ext.conv_relu_bias_cuda(x.contiguous(), self.conv.weight, self.conv.bias, self.bias)
