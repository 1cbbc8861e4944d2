"""2D convolution whose filter sits in __constant__ memory, copied there from the parameter on every call."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 2
SIZE = 19


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, (3, 5), stride=(1, 2), padding=(1, 2), bias=False)

    def forward(self, x):
        return self.conv(x)


def get_inputs():
    return [torch.randn(BATCH, 2, SIZE, SIZE)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

constexpr int MAX_WEIGHTS = 4096;
__constant__ float filter[MAX_WEIGHTS];

__global__ void conv_kernel(const float* __restrict__ x, float* __restrict__ y, int cin, int h, int w, int cout, int kh,
                            int kw, int oh, int ow, int sh, int sw, int ph, int pw) {
    const int ox = blockIdx.x * blockDim.x + threadIdx.x;
    const int oy = blockIdx.y * blockDim.y + threadIdx.y;
    const int b = blockIdx.z;
    if (ox >= ow || oy >= oh) return;
    for (int co = 0; co < cout; ++co) {
        float acc = 0.f;
        for (int ci = 0; ci < cin; ++ci)
            for (int i = 0; i < kh; ++i) {
                const int iy = oy * sh - ph + i;
                if (iy < 0 || iy >= h) continue;
                for (int j = 0; j < kw; ++j) {
                    const int ix = ox * sw - pw + j;
                    if (ix < 0 || ix >= w) continue;
                    acc += x[((b * cin + ci) * h + iy) * w + ix] * filter[((co * cin + ci) * kh + i) * kw + j];
                }
            }
        y[((b * cout + co) * oh + oy) * ow + ox] = acc;
    }
}

torch::Tensor conv_constant(torch::Tensor x, torch::Tensor weight, int sh, int sw, int ph, int pw) {
    TORCH_CHECK(weight.numel() <= MAX_WEIGHTS, "the filter does not fit into constant memory");
    const int b = x.size(0), cin = x.size(1), h = x.size(2), w = x.size(3);
    const int cout = weight.size(0), kh = weight.size(2), kw = weight.size(3);
    const int oh = (h + 2 * ph - kh) / sh + 1, ow = (w + 2 * pw - kw) / sw + 1;
    auto y = torch::empty({b, cout, oh, ow}, x.options());
    C10_CUDA_CHECK(cudaMemcpyToSymbolAsync(filter, weight.data_ptr<float>(), weight.numel() * sizeof(float), 0,
                                           cudaMemcpyDeviceToDevice));
    dim3 block(16, 8), grid((ow + 15) / 16, (oh + 7) / 8, b);
    conv_kernel<<<grid, block>>>(x.data_ptr<float>(), y.data_ptr<float>(), cin, h, w, cout, kh, kw, oh, ow, sh, sw, ph,
                                 pw);
    return y;
}
"""

ext = load_inline(
    name="conv_constant",
    cpp_sources="torch::Tensor conv_constant(torch::Tensor x, torch::Tensor weight, int sh, int sw, int ph, int pw);",
    cuda_sources=cuda_source,
    functions=["conv_constant"],
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, (3, 5), stride=(1, 2), padding=(1, 2), bias=False)

    def forward(self, x):
        return ext.conv_constant(x.contiguous(), self.conv.weight.contiguous(), 1, 2, 1, 2)
