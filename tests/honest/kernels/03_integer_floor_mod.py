"""Integers in, integers out: Python's floor division and remainder of negative numbers."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
N = 1000


class Model(nn.Module):
    def forward(self, a, b):
        return torch.div(a, b, rounding_mode="floor") * 3 + torch.remainder(a, b)


def get_inputs():
    return [torch.randint(-1000, 1000, (N,)), torch.randint(1, 17, (N,))]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
__global__ void floor_mod(const long* __restrict__ a, const long* __restrict__ b, long* __restrict__ out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        long quotient = a[i] / b[i];
        long rest = a[i] % b[i];
        if (rest != 0 && ((rest < 0) != (b[i] < 0))) {
            quotient -= 1;
            rest += b[i];
        }
        out[i] = quotient * 3 + rest;
    }
}

torch::Tensor floor_mod_cuda(torch::Tensor a, torch::Tensor b) {
    TORCH_CHECK(a.dtype() == torch::kInt64 && b.dtype() == torch::kInt64, "int64 expected");
    auto out = torch::empty_like(a);
    int n = a.numel();
    const int threads = 128;
    floor_mod<<<(n + threads - 1) / threads, threads>>>(
        (const long*)a.data_ptr<int64_t>(), (const long*)b.data_ptr<int64_t>(), (long*)out.data_ptr<int64_t>(), n);
    return out;
}
"""

floor_mod = load_inline(
    name="floor_mod",
    cpp_sources="torch::Tensor floor_mod_cuda(torch::Tensor a, torch::Tensor b);",
    cuda_sources=source,
    functions=["floor_mod_cuda"],
    verbose=True,
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return floor_mod.floor_mod_cuda(a.contiguous(), b.contiguous())
