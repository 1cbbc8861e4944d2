"""Cross entropy: the gradient of the logits is softmax minus one-hot, over the batch."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "loss"
DIRECTION = "backward"
BATCH = 25
CLASSES = 18


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
#include <vector>

__global__ void forward_kernel(const float* logits, const int64_t* targets, float* lse, float* loss, int batch,
                               int classes) {
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= batch) return;
    const float* p = logits + (size_t)row * classes;
    float top = -INFINITY, sum = 0.f;
    for (int c = 0; c < classes; ++c) top = fmaxf(top, p[c]);
    for (int c = 0; c < classes; ++c) sum += expf(p[c] - top);
    lse[row] = top + logf(sum);
    atomicAdd(loss, (lse[row] - p[targets[row]]) / batch);
}

__global__ void backward_kernel(const float* grad, const float* logits, const int64_t* targets, const float* lse,
                                float* out, int batch, int classes) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= batch * classes) return;
    const int row = i / classes, c = i % classes;
    const float p = expf(logits[i] - lse[row]);
    out[i] = grad[0] * (p - (targets[row] == c ? 1.f : 0.f)) / batch;
}

std::vector<torch::Tensor> ce_forward(torch::Tensor logits, torch::Tensor targets) {
    const int batch = logits.size(0), classes = logits.size(1);
    auto lse = torch::empty({batch}, logits.options());
    auto loss = torch::zeros({}, logits.options());
    forward_kernel<<<(batch + 31) / 32, 32>>>(logits.data_ptr<float>(), targets.data_ptr<int64_t>(),
                                              lse.data_ptr<float>(), loss.data_ptr<float>(), batch, classes);
    return {loss, lse};
}

torch::Tensor ce_backward(torch::Tensor grad, torch::Tensor logits, torch::Tensor targets, torch::Tensor lse) {
    const int batch = logits.size(0), classes = logits.size(1);
    auto out = torch::empty_like(logits);
    backward_kernel<<<(batch * classes + 127) / 128, 128>>>(grad.data_ptr<float>(), logits.data_ptr<float>(),
                                                            targets.data_ptr<int64_t>(), lse.data_ptr<float>(),
                                                            out.data_ptr<float>(), batch, classes);
    return out;
}
"""

ext = load_inline(
    name="cross_entropy_both_ways",
    cpp_sources="""#include <vector>
std::vector<torch::Tensor> ce_forward(torch::Tensor logits, torch::Tensor targets);
torch::Tensor ce_backward(torch::Tensor grad, torch::Tensor logits, torch::Tensor targets, torch::Tensor lse);""",
    cuda_sources=cuda_source,
    functions=["ce_forward", "ce_backward"],
)


class CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets):
        loss, lse = ext.ce_forward(logits, targets)
        ctx.save_for_backward(logits, targets, lse)
        return loss

    @staticmethod
    def backward(ctx, grad):
        logits, targets, lse = ctx.saved_tensors
        return ext.ce_backward(grad.contiguous(), logits, targets, lse), None


class ModelNew(nn.Module):
    def forward(self, logits, targets):
        return CrossEntropy.apply(logits.contiguous(), targets.contiguous())
