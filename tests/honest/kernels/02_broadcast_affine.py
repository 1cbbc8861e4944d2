"""A binary operation with broadcasting: strides of zero in a struct passed by value."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
BATCH = 4
CHANNELS = 16
HEIGHT = 15


class Model(nn.Module):
    def forward(self, x, scale, shift):
        return x * scale + shift


def get_inputs():
    return [torch.randn(BATCH, CHANNELS, HEIGHT), torch.randn(CHANNELS, 1), torch.randn(BATCH, 1, HEIGHT)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

constexpr int MAX_DIMS = 6;

struct Layout {
    int dims;
    int64_t size[MAX_DIMS];
    int64_t x[MAX_DIMS], scale[MAX_DIMS], shift[MAX_DIMS];
};

__global__ void affine_kernel(const float* x, const float* scale, const float* shift, float* out, Layout layout,
                              int64_t n) {
    int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i >= n) return;
    int64_t rest = i, ox = 0, oscale = 0, oshift = 0;
    for (int d = layout.dims - 1; d >= 0; --d) {
        int64_t at = rest % layout.size[d];
        rest /= layout.size[d];
        ox += at * layout.x[d];
        oscale += at * layout.scale[d];
        oshift += at * layout.shift[d];
    }
    out[i] = fmaf(x[ox], scale[oscale], shift[oshift]);
}

static void fill(int64_t* strides, const torch::Tensor& t, int dims) {
    int missing = dims - (int)t.dim();
    for (int d = 0; d < dims; ++d) {
        strides[d] = (d < missing || t.size(d - missing) == 1) ? 0 : t.stride(d - missing);
    }
}

torch::Tensor affine(torch::Tensor x, torch::Tensor scale, torch::Tensor shift) {
    TORCH_CHECK(x.dim() <= MAX_DIMS, "too many dimensions");
    TORCH_CHECK(scale.dim() <= x.dim() && shift.dim() <= x.dim(), "x must have the most dimensions");
    auto out = torch::empty(x.sizes(), x.options());
    Layout layout;
    layout.dims = (int)x.dim();
    for (int d = 0; d < layout.dims; ++d) layout.size[d] = x.size(d);
    fill(layout.x, x, layout.dims);
    fill(layout.scale, scale, layout.dims);
    fill(layout.shift, shift, layout.dims);
    const int64_t n = x.numel();
    if (n == 0) return out;
    affine_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), scale.data_ptr<float>(), shift.data_ptr<float>(),
                                            out.data_ptr<float>(), layout, n);
    return out;
}
"""

module = load_inline(
    name="affine_broadcast",
    cpp_sources="torch::Tensor affine(torch::Tensor x, torch::Tensor scale, torch::Tensor shift);",
    cuda_sources=cuda_source,
    functions=["affine"],
)


class ModelNew(nn.Module):
    def forward(self, x, scale, shift):
        return module.affine(x, scale, shift)
