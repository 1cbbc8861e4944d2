"""Linear, then sum over features, then a chain that reduces to one number a row: all in one block a row."""
import torch
import torch.nn as nn

CATEGORY = "fused"
BATCH = 15
IN_FEATURES = 50
HIDDEN = 40


class Model(nn.Module):
    def __init__(self, in_features, hidden, divisor):
        super().__init__()
        self.linear = nn.Linear(in_features, hidden, bias=False)
        self.shift = nn.Parameter(torch.randn(hidden))
        self.divisor = divisor

    def forward(self, x):
        x = self.linear(x) / self.divisor + self.shift
        x = torch.sigmoid(x)
        total = torch.sum(x, dim=1, keepdim=True)
        return total, torch.amax(x, dim=1, keepdim=True)


def get_inputs():
    return [torch.randn(BATCH, IN_FEATURES)]


def get_init_inputs():
    return [IN_FEATURES, HIDDEN, 1.3]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <tuple>

__global__ void row_kernel(const float* x, const float* w, const float* shift, float* total, float* top, int in,
                           int hidden, float inverse) {
    extern __shared__ float row[];  // the input row, then one slot a thread twice
    float* sums = row + in;
    float* tops = sums + blockDim.x;
    for (int k = threadIdx.x; k < in; k += blockDim.x) row[k] = x[blockIdx.x * in + k];
    __syncthreads();
    float sum = 0.f, best = -INFINITY;
    for (int h = threadIdx.x; h < hidden; h += blockDim.x) {
        float acc = 0.f;
        for (int k = 0; k < in; ++k) acc = fmaf(row[k], w[h * in + k], acc);
        const float s = 1.f / (1.f + expf(-(acc * inverse + shift[h])));
        sum += s;
        best = fmaxf(best, s);
    }
    sums[threadIdx.x] = sum;
    tops[threadIdx.x] = best;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (threadIdx.x < s) {
            sums[threadIdx.x] += sums[threadIdx.x + s];
            tops[threadIdx.x] = fmaxf(tops[threadIdx.x], tops[threadIdx.x + s]);
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        total[blockIdx.x] = sums[0];
        top[blockIdx.x] = tops[0];
    }
}

std::tuple<torch::Tensor, torch::Tensor> run(torch::Tensor x, torch::Tensor w, torch::Tensor shift, double divisor) {
    const int rows = x.size(0), in = x.size(1), hidden = w.size(0), threads = 32;
    auto total = torch::empty({rows, 1}, x.options());
    auto top = torch::empty({rows, 1}, x.options());
    row_kernel<<<rows, threads, (in + 2 * threads) * sizeof(float)>>>(
        x.data_ptr<float>(), w.data_ptr<float>(), shift.data_ptr<float>(), total.data_ptr<float>(),
        top.data_ptr<float>(), in, hidden, (float)(1.0 / divisor));
    return {total, top};
}
"""

ext = load_inline(
    name="linear_sum_max",
    cpp_sources="#include <tuple>\nstd::tuple<torch::Tensor, torch::Tensor> run(torch::Tensor x, torch::Tensor w, torch::Tensor shift, double divisor);",
    cuda_sources=cuda_source,
    functions=["run"],
)


class ModelNew(nn.Module):
    def __init__(self, in_features, hidden, divisor):
        super().__init__()
        self.linear = nn.Linear(in_features, hidden, bias=False)
        self.shift = nn.Parameter(torch.randn(hidden))
        self.divisor = divisor

    def forward(self, x):
        return ext.run(x.contiguous(), self.linear.weight, self.shift, self.divisor)
