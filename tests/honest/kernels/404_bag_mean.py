"""Mean of the embeddings of a bag, padding left out: some bags hold nothing else."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "indexing"
BATCH = 20
LENGTH = 15
VOCABULARY = 60
DIM = 40


class Model(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.table = nn.Embedding(vocabulary, dim)

    def forward(self, tokens):
        kept = (tokens != 0).unsqueeze(-1).float()
        total = (self.table(tokens) * kept).sum(dim=1)
        return total / kept.sum(dim=1).clamp(min=1.0)


def get_inputs():
    return [torch.randint(0, VOCABULARY, (BATCH, LENGTH))]


def get_init_inputs():
    return [VOCABULARY, DIM]
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

__global__ void bag_mean_kernel(const long* __restrict__ tokens, const float* __restrict__ table, float* __restrict__ out, int length, int dim) {
    const long* bag = tokens + (long)blockIdx.x * length;
    for (int d = threadIdx.x; d < dim; d += blockDim.x) {
        float sum = 0.0f;
        int kept = 0;
        for (int l = 0; l < length; ++l) {
            long t = bag[l];
            if (t != 0) { sum += table[t * dim + d]; kept++; }
        }
        out[(long)blockIdx.x * dim + d] = sum / (kept > 0 ? (float)kept : 1.0f);
    }
}
torch::Tensor bag_mean(torch::Tensor tokens, torch::Tensor table) {
    TORCH_CHECK(tokens.scalar_type() == torch::kInt64, "tokens must be int64");
    tokens = tokens.contiguous();
    auto out = torch::empty({tokens.size(0), table.size(1)}, table.options());
    bag_mean_kernel<<<tokens.size(0), 64>>>((const long*)tokens.data_ptr<int64_t>(), table.data_ptr<float>(), out.data_ptr<float>(), tokens.size(1), table.size(1));
    return out;
}

"""

cpp_source = r"""
torch::Tensor bag_mean(torch::Tensor tokens, torch::Tensor table);
"""

ext = load_inline(
    name="h13",
    cpp_sources=cpp_source,
    cuda_sources=cuda_source,
    functions=["bag_mean"],
    extra_cuda_cflags=["-O3"],
    verbose=False,
)


class ModelNew(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.table = nn.Embedding(vocabulary, dim)

    def forward(self, tokens):
        return ext.bag_mean(tokens, self.table.weight)
