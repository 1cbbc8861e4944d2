"""Taps copied to __constant__ memory from the device, on the current stream."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "convolution"
B = 2
H = 17
W = 19


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(5))

    def forward(self, x):
        k = self.kernel
        return F.conv2d(x, k.view(1, 1, 5, 1) * k.view(1, 1, 1, 5), padding=2)


def get_inputs():
    return [torch.randn(B, 1, H, W)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#define RADIUS 2
#define TAPS (2 * RADIUS + 1)
__constant__ float c_kernel[TAPS];

__global__ void rows(const float* in, float* out, int H, int W) {
    __shared__ float tile[8][32 + 2 * RADIUS];
    int c0 = blockIdx.x * 32, r = blockIdx.y * 8 + threadIdx.y;
    const float* img = in + (size_t)blockIdx.z * H * W;
    for (int c = threadIdx.x; c < 32 + 2 * RADIUS; c += 32) {
        int g = c0 + c - RADIUS;
        tile[threadIdx.y][c] = (r < H && g >= 0 && g < W) ? img[r * W + g] : 0.f;
    }
    __syncthreads();
    int c = c0 + threadIdx.x;
    if (r >= H || c >= W) return;
    float s = 0.f;
#pragma unroll
    for (int k = 0; k < TAPS; ++k) s += c_kernel[k] * tile[threadIdx.y][threadIdx.x + k];
    out[(size_t)blockIdx.z * H * W + r * W + c] = s;
}
__global__ void columns(const float* in, float* out, int H, int W) {
    int c = blockIdx.x * 32 + threadIdx.x, r = blockIdx.y * 8 + threadIdx.y;
    if (r >= H || c >= W) return;
    const float* img = in + (size_t)blockIdx.z * H * W;
    float s = 0.f;
#pragma unroll
    for (int k = -RADIUS; k <= RADIUS; ++k) { int g = r + k; if (g >= 0 && g < H) s += c_kernel[k + RADIUS] * img[g * W + c]; }
    out[(size_t)blockIdx.z * H * W + r * W + c] = s;
}
torch::Tensor separable(torch::Tensor x, torch::Tensor k) {
    cudaStream_t stream = at::cuda::getCurrentCUDAStream();
    AT_CUDA_CHECK(cudaMemcpyToSymbolAsync(c_kernel, k.data_ptr<float>(), TAPS * sizeof(float), 0, cudaMemcpyDeviceToDevice, stream));
    int B = x.size(0), H = x.size(2), W = x.size(3);
    auto t = torch::empty_like(x), y = torch::empty_like(x);
    dim3 block(32, 8), grid((W + 31) / 32, (H + 7) / 8, B);
    rows<<<grid, block, 0, stream>>>(x.data_ptr<float>(), t.data_ptr<float>(), H, W);
    columns<<<grid, block, 0, stream>>>(t.data_ptr<float>(), y.data_ptr<float>(), H, W);
    return y;
}
"""
ext = load_inline(name="sep", cpp_sources="torch::Tensor separable(torch::Tensor x, torch::Tensor k);", cuda_sources=src, functions=["separable"])


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(5))

    def forward(self, x):
        return ext.separable(x, self.kernel)
