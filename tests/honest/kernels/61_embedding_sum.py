"""A bag of embeddings: rows of a table looked up and summed, positions added."""
import torch
import torch.nn as nn

CATEGORY = "indexing"
VOCABULARY = 50
DIM = 24
BATCH = 8
LENGTH = 9


class Model(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)

    def forward(self, tokens):
        return self.embedding(tokens).sum(dim=1)


def get_inputs():
    return [torch.randint(0, VOCABULARY, (BATCH, LENGTH))]


def get_init_inputs():
    return [VOCABULARY, DIM]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

template <typename index_t>
__global__ void embedding_bag(const index_t* __restrict__ tokens, const float* __restrict__ table,
                              float* __restrict__ out, int length, int dim) {
    const index_t* bag = tokens + (size_t)blockIdx.x * length;
    for (int d = threadIdx.x; d < dim; d += blockDim.x) {
        float sum = 0.f;
        for (int i = 0; i < length; ++i) sum += table[(size_t)bag[i] * dim + d];
        out[(size_t)blockIdx.x * dim + d] = sum;
    }
}

torch::Tensor bag(torch::Tensor tokens, torch::Tensor table) {
    const int batch = tokens.size(0), length = tokens.size(1), dim = table.size(1);
    auto out = torch::empty({batch, dim}, table.options());
    AT_DISPATCH_INDEX_TYPES(tokens.scalar_type(), "bag", [&] {
        embedding_bag<index_t><<<batch, 32>>>(tokens.data_ptr<index_t>(), table.data_ptr<float>(),
                                              out.data_ptr<float>(), length, dim);
    });
    return out;
}
"""

ext = load_inline(
    name="embedding_bag_sum",
    cpp_sources="torch::Tensor bag(torch::Tensor tokens, torch::Tensor table);",
    cuda_sources=cuda_source,
    functions=["bag"],
)


class ModelNew(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)

    def forward(self, tokens):
        return ext.bag(tokens.contiguous(), self.embedding.weight)
