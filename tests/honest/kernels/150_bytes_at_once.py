"""Four bytes in a word, by CUDA's SIMD intrinsics."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"


class Model(nn.Module):
    def forward(self, a, b):
        return torch.maximum(a, b) + torch.minimum(a, b) // 2
n = 131
def get_inputs():
    return [torch.randint(0, 80, (4, n), dtype=torch.uint8), torch.randint(0, 80, (4, n), dtype=torch.uint8)]
def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
__global__ void mix(const uint8_t* __restrict__ a, const uint8_t* __restrict__ b, uint8_t* __restrict__ y, int n) {
    const int i = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
    if (i + 3 < n) {
        const unsigned va = *reinterpret_cast<const unsigned*>(a + i), vb = *reinterpret_cast<const unsigned*>(b + i);
        const unsigned half = (__vminu4(va, vb) >> 1) & 0x7f7f7f7fu;
        *reinterpret_cast<unsigned*>(y + i) = __vadd4(__vmaxu4(va, vb), half);
    } else {
        for (int k = i; k < n; ++k) y[k] = max(a[k], b[k]) + min(a[k], b[k]) / 2;
    }
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
    auto y = torch::empty_like(a);
    const int n = a.numel();
    mix<<<(n / 4 + 128) / 128, 128>>>(a.data_ptr<uint8_t>(), b.data_ptr<uint8_t>(), y.data_ptr<uint8_t>(), n);
    return y;
}
"""
ext = load_inline(name="simd", cpp_sources="torch::Tensor run(torch::Tensor a, torch::Tensor b);", cuda_sources=src, functions=["run"])
class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.run(a.contiguous(), b.contiguous())
