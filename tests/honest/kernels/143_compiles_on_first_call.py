"""Cosine loss in tiles of 16 lanes; a Python object compiles its kernel when it is first called."""
import torch
import torch.nn as nn

CATEGORY = "loss"


class Model(nn.Module):
    def forward(self, pred, target):
        return torch.mean(1 - torch.nn.functional.cosine_similarity(pred, target, dim=1))
B = 40
D = 130


def get_inputs():
    return [torch.randn(B, D), torch.randn(B, D)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline


class Jit:
    """Descriptor-like holder: compiles on first use, then forwards calls."""

    def __init__(self, name, cpp, cuda):
        self.name, self.cpp, self.cuda, self.compiled = name, cpp, cuda, None

    def __call__(self, *args, **kwargs):
        if self.compiled is None:
            self.compiled = load_inline(name=self.name, cpp_sources=self.cpp, cuda_sources=self.cuda, functions=[self.name])
        return getattr(self.compiled, "cosine_loss")(*args, **kwargs)


cosine_loss = Jit(
    "cosine_loss",
    "torch::Tensor cosine_loss(const torch::Tensor& a, const torch::Tensor& b, double eps = 1e-8);",
    r"""
#include <torch/extension.h>
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
using namespace cooperative_groups;
struct Sums { float ab, aa, bb; };
__device__ Sums operator+(const Sums& x, const Sums& y) { return {x.ab + y.ab, x.aa + y.aa, x.bb + y.bb}; }
template <unsigned TileSize>
__global__ void rows(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ loss, int n, int d, float eps) {
    const auto block = this_thread_block();
    const auto tile = tiled_partition<TileSize>(block);
    const int row = blockIdx.x * tile.meta_group_size() + tile.meta_group_rank();
    if (row >= n) return;
    Sums s{0.f, 0.f, 0.f};
    for (int i = tile.thread_rank(); i < d; i += tile.num_threads()) {
        const float u = a[(size_t)row * d + i], v = b[(size_t)row * d + i];
        s = s + Sums{u * v, u * u, v * v};
    }
    for (unsigned o = tile.size() / 2; o > 0; o /= 2) s = s + Sums{tile.shfl_down(s.ab, o), tile.shfl_down(s.aa, o), tile.shfl_down(s.bb, o)};
    if (tile.thread_rank() == 0) loss[row] = 1.f - s.ab / (fmaxf(sqrtf(s.aa), eps) * fmaxf(sqrtf(s.bb), eps));
}
__global__ void average(const float* __restrict__ loss, float* __restrict__ out, int n) {
    const auto block = this_thread_block();
    const auto tile = tiled_partition<32>(block);
    __shared__ float parts[8];
    float s = 0.f;
    for (int i = block.thread_rank(); i < n; i += block.size()) s += loss[i];
    s = reduce(tile, s, plus<float>{});
    if (tile.thread_rank() == 0) parts[tile.meta_group_rank()] = s;
    block.sync();
    if (block.thread_rank() == 0) {
        float t = 0.f;
        for (unsigned w = 0; w < tile.meta_group_size(); ++w) t += parts[w];
        *out = t / n;
    }
}
torch::Tensor cosine_loss(const torch::Tensor& a, const torch::Tensor& b, double eps) {
    const int n = a.size(0), d = a.size(1);
    auto loss = torch::empty({n}, a.options()), out = torch::empty({}, a.options());
    rows<16><<<(n + 7) / 8, 128>>>(a.data_ptr<float>(), b.data_ptr<float>(), loss.data_ptr<float>(), n, d, (float)eps);
    average<<<1, 256>>>(loss.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}
""",
)


class ModelNew(nn.Module):
    def forward(self, pred, target):
        return cosine_loss(pred.contiguous(), target.contiguous(), 1e-8)
