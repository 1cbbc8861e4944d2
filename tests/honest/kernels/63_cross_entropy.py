"""Cross entropy: log-sum-exp of a row and its target's logit, mean over the batch in a fixed order."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "loss"
BATCH = 40
CLASSES = 30


class Model(nn.Module):
    def forward(self, logits, targets):
        return F.cross_entropy(logits, targets)


def get_inputs():
    return [torch.randn(BATCH, CLASSES), torch.randint(0, CLASSES, (BATCH,))]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void row_losses(const float* logits, const int64_t* targets, float* losses, int batch, int classes) {
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= batch) return;
    const float* p = logits + (size_t)row * classes;
    float top = p[0];
    for (int c = 1; c < classes; ++c) top = fmaxf(top, p[c]);
    float sum = 0.f;
    for (int c = 0; c < classes; ++c) sum += expf(p[c] - top);
    losses[row] = top + logf(sum) - p[targets[row]];
}

__global__ void mean_kernel(const float* losses, float* out, int n) {
    __shared__ float buffer[256];
    float sum = 0.f;
    for (int i = threadIdx.x; i < n; i += 256) sum += losses[i];
    buffer[threadIdx.x] = sum;
    __syncthreads();
    for (int s = 128; s > 0; s /= 2) {
        if (threadIdx.x < s) buffer[threadIdx.x] += buffer[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[0] = buffer[0] / n;
}

torch::Tensor cross_entropy(torch::Tensor logits, torch::Tensor targets) {
    const int batch = logits.size(0), classes = logits.size(1);
    auto losses = torch::empty({batch}, logits.options());
    auto out = torch::empty({}, logits.options());
    row_losses<<<(batch + 63) / 64, 64>>>(logits.data_ptr<float>(), targets.data_ptr<int64_t>(),
                                          losses.data_ptr<float>(), batch, classes);
    mean_kernel<<<1, 256>>>(losses.data_ptr<float>(), out.data_ptr<float>(), batch);
    return out;
}
"""

ext = load_inline(
    name="cross_entropy",
    cpp_sources="torch::Tensor cross_entropy(torch::Tensor logits, torch::Tensor targets);",
    cuda_sources=cuda_source,
    functions=["cross_entropy"],
)


class ModelNew(nn.Module):
    def forward(self, logits, targets):
        return ext.cross_entropy(logits.contiguous(), targets.contiguous())
