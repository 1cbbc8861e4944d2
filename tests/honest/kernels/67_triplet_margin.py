"""Triplet margin loss: two distances a row, as torch computes them (epsilon inside the difference)."""
import torch
import torch.nn as nn

CATEGORY = "loss"
BATCH = 22
DIM = 50


class Model(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.loss = nn.TripletMarginLoss(margin=margin)

    def forward(self, anchor, positive, negative):
        return self.loss(anchor, positive, negative)


def get_inputs():
    return [torch.randn(BATCH, DIM), torch.randn(BATCH, DIM), torch.randn(BATCH, DIM)]


def get_init_inputs():
    return [1.0]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void triplet_rows(const float* a, const float* p, const float* n, float* rows, int batch, int dim,
                             float margin) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= batch) return;
    float dp = 0.f, dn = 0.f;
    for (int i = threadIdx.x; i < dim; i += 32) {
        const float x = a[row * dim + i];
        const float u = x - p[row * dim + i] + 1e-6f, v = x - n[row * dim + i] + 1e-6f;
        dp += u * u;
        dn += v * v;
    }
    for (int o = 16; o > 0; o >>= 1) {
        dp += __shfl_down_sync(0xffffffffu, dp, o);
        dn += __shfl_down_sync(0xffffffffu, dn, o);
    }
    if (threadIdx.x == 0) rows[row] = fmaxf(sqrtf(dp) - sqrtf(dn) + margin, 0.f);
}

__global__ void average(const float* rows, float* out, int n) {
    float sum = 0.f;
    for (int i = threadIdx.x; i < n; i += 32) sum += rows[i];
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_down_sync(0xffffffffu, sum, o);
    if (threadIdx.x == 0) out[0] = sum / n;
}

torch::Tensor triplet(std::vector<torch::Tensor> xs, double margin) {
    TORCH_CHECK(xs.size() == 3, "anchor, positive and negative expected");
    const int batch = xs[0].size(0), dim = xs[0].size(1);
    auto rows = torch::empty({batch}, xs[0].options());
    auto out = torch::empty({}, xs[0].options());
    triplet_rows<<<(batch + 3) / 4, dim3(32, 4)>>>(xs[0].data_ptr<float>(), xs[1].data_ptr<float>(),
                                                   xs[2].data_ptr<float>(), rows.data_ptr<float>(), batch, dim, margin);
    average<<<1, 32>>>(rows.data_ptr<float>(), out.data_ptr<float>(), batch);
    return out;
}
"""

ext = load_inline(
    name="triplet_margin",
    cpp_sources="#include <vector>\ntorch::Tensor triplet(std::vector<torch::Tensor> xs, double margin);",
    cuda_sources=cuda_source,
    functions=["triplet"],
)


class ModelNew(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    def forward(self, anchor, positive, negative):
        return ext.triplet([anchor.contiguous(), positive.contiguous(), negative.contiguous()], self.margin)
