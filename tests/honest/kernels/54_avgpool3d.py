"""Average pooling in 3D; padding counts."""
import torch
import torch.nn as nn

CATEGORY = "pooling"
BATCH = 2
CHANNELS = 3
DEPTH = 8
HEIGHT = 11
WIDTH = 10


class Model(nn.Module):
    def __init__(self, kernel, stride, padding):
        super().__init__()
        self.avg_pool = nn.AvgPool3d(kernel, stride=stride, padding=padding)

    def forward(self, x):
        return self.avg_pool(x)


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, DEPTH, HEIGHT, WIDTH)]


def get_init_inputs():
    return [3, 2, 1]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void avg_pool3d_kernel(const float* x, float* y, int planes, int d, int h, int w, int od, int oh, int ow,
                                  int k, int s, int p) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long total = (long long)planes * od * oh * ow;
    if (i >= total) return;
    const int c = i % ow, r = (i / ow) % oh, z = (i / ((long long)ow * oh)) % od;
    const int plane = i / ((long long)ow * oh * od);
    float sum = 0.f;
    for (int a = max(z * s - p, 0); a < min(z * s - p + k, d); ++a)
        for (int b = max(r * s - p, 0); b < min(r * s - p + k, h); ++b)
            for (int e = max(c * s - p, 0); e < min(c * s - p + k, w); ++e)
                sum += x[(((long long)plane * d + a) * h + b) * w + e];
    y[i] = sum / (k * k * k);
}

torch::Tensor avg_pool3d(torch::Tensor x, int k, int s, int p) {
    const int d = x.size(2), h = x.size(3), w = x.size(4);
    const int od = (d + 2 * p - k) / s + 1, oh = (h + 2 * p - k) / s + 1, ow = (w + 2 * p - k) / s + 1;
    const int planes = x.size(0) * x.size(1);
    auto y = torch::empty({x.size(0), x.size(1), od, oh, ow}, x.options());
    const int threads = 128;
    avg_pool3d_kernel<<<(y.numel() + threads - 1) / threads, threads>>>(x.data_ptr<float>(), y.data_ptr<float>(),
                                                                     planes, d, h, w, od, oh, ow, k, s, p);
    return y;
}
"""

ext = load_inline(
    name="avg_pool3d",
    cpp_sources="torch::Tensor avg_pool3d(torch::Tensor x, int k, int s, int p);",
    cuda_sources=cuda_source,
    functions=["avg_pool3d"],
)


class ModelNew(nn.Module):
    def __init__(self, kernel, stride, padding):
        super().__init__()
        self.kernel = kernel
        self.stride = stride
        self.padding = padding

    def forward(self, x):
        return ext.avg_pool3d(x.contiguous(), self.kernel, self.stride, self.padding)
