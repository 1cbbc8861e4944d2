// at::Tensor's views: new sizes and strides on the same memory.
#include "storage.h"

namespace at {
using simt::kMaxDim;

namespace {

struct Shape {
    int64_t sizes[kMaxDim], strides[kMaxDim];
    int dim = 0;
    explicit Shape(const Tensor& t) {
        for (; dim < t.dim(); ++dim) sizes[dim] = t.size(dim), strides[dim] = t.stride(dim);
    }
    void insert(int64_t at, int64_t size, int64_t stride) {
        if (dim == kMaxDim) simt::fail("tensors of more than ", kMaxDim, " dimensions are not supported");
        for (int d = dim++; d > at; --d) sizes[d] = sizes[d - 1], strides[d] = strides[d - 1];
        sizes[at] = size, strides[at] = stride;
    }
    void erase(int64_t at) {
        --dim;
        for (int64_t d = at; d < dim; ++d) sizes[d] = sizes[d + 1], strides[d] = strides[d + 1];
    }
    Tensor of(const Tensor& t, int64_t offset = 0) const {
        const auto n = static_cast<size_t>(dim);
        return simt::tensor_alias(t.unsafeGetTensorImpl(), {sizes, n}, {strides, n}, offset);
    }
};

// The one size given as -1, computed.
std::vector<int64_t> inferred(IntArrayRef sizes, int64_t numel) {
    std::vector<int64_t> result = sizes.vec();
    int64_t known = 1, unknown = -1;
    for (size_t d = 0; d < result.size(); ++d) {
        if (result[d] == -1) unknown = static_cast<int64_t>(d);
        else known *= result[d];
    }
    if (unknown >= 0 && known) result[static_cast<size_t>(unknown)] = numel / known, known *= numel / known;
    if (known != numel) simt::fail("shape '", sizes, "' is invalid for input of size ", numel);
    return result;
}

}  // namespace

Tensor Tensor::view(IntArrayRef sizes) const {
    const std::vector<int64_t> wanted = inferred(sizes, numel());
    if (!is_contiguous())
        simt::fail("view size is not compatible with input tensor's size and stride (at least one dimension spans "
                   "across two contiguous subspaces). Use .reshape(...) instead.");
    std::vector<int64_t> strides(wanted.size());
    int64_t step = 1;
    for (size_t d = wanted.size(); d-- > 0;) {
        strides[d] = step;
        step *= wanted[d] > 1 ? wanted[d] : 1;
    }
    return simt::tensor_alias(impl_, wanted, strides, 0);
}

Tensor Tensor::reshape(IntArrayRef sizes) const { return contiguous().view(sizes); }

Tensor Tensor::flatten(int64_t first, int64_t last) const {
    if (dim() == 0) return reshape({1});
    first = maybe_wrap_dim(first, dim());
    last = maybe_wrap_dim(last, dim());
    std::vector<int64_t> wanted;
    for (int64_t d = 0; d < dim(); ++d) {
        if (d > first && d <= last) wanted.back() *= size(d);
        else wanted.push_back(size(d));
    }
    return reshape(wanted);
}

Tensor Tensor::unsqueeze(int64_t d) const {
    Shape shape(*this);
    d = maybe_wrap_dim(d, dim() + 1);
    shape.insert(d, 1, d < dim() ? size(d) * stride(d) : 1);
    return shape.of(*this);
}

Tensor Tensor::squeeze() const {
    Shape shape(*this);
    for (int d = shape.dim - 1; d >= 0; --d)
        if (shape.sizes[d] == 1) shape.erase(d);
    return shape.of(*this);
}

Tensor Tensor::squeeze(int64_t d) const {
    Shape shape(*this);
    d = maybe_wrap_dim(d, dim());
    if (shape.sizes[d] == 1) shape.erase(d);
    return shape.of(*this);
}

Tensor Tensor::transpose(int64_t a, int64_t b) const {
    Shape shape(*this);
    a = maybe_wrap_dim(a, dim());
    b = maybe_wrap_dim(b, dim());
    shape.sizes[a] = size(b), shape.sizes[b] = size(a);
    shape.strides[a] = stride(b), shape.strides[b] = stride(a);
    return shape.of(*this);
}

Tensor Tensor::t() const {
    if (dim() > 2) simt::fail("t() expects a tensor with <= 2 dimensions, but self is ", dim(), "D");
    return dim() < 2 ? *this : transpose(0, 1);
}

Tensor Tensor::permute(IntArrayRef dims) const {
    Shape shape(*this);
    if (static_cast<int64_t>(dims.size()) != dim())
        simt::fail("permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
                   "desired ordering of dimensions");
    for (int d = 0; d < shape.dim; ++d) {
        const int64_t from = maybe_wrap_dim(dims[static_cast<size_t>(d)], dim());
        shape.sizes[d] = size(from);
        shape.strides[d] = stride(from);
    }
    return shape.of(*this);
}

Tensor Tensor::expand(IntArrayRef wanted) const {
    Shape shape(*this);
    while (shape.dim < static_cast<int>(wanted.size())) shape.insert(0, 1, 0);
    for (int d = 0; d < shape.dim; ++d) {
        const int64_t size = static_cast<size_t>(d) < wanted.size() ? wanted[static_cast<size_t>(d)] : -2;
        if (size == -1 || size == shape.sizes[d]) continue;
        if (shape.sizes[d] != 1) simt::fail("The expanded size of the tensor (", size, ") must match the existing size (",
                                            shape.sizes[d], ") at non-singleton dimension ", d);
        shape.sizes[d] = size;
        shape.strides[d] = 0;
    }
    return shape.of(*this);
}

Tensor Tensor::narrow(int64_t d, int64_t start, int64_t length) const {
    Shape shape(*this);
    d = maybe_wrap_dim(d, dim());
    if (start < 0 || length < 0 || start + length > size(d))
        simt::fail("start (", start, ") + length (", length, ") exceeds dimension size (", size(d), ").");
    shape.sizes[d] = length;
    return shape.of(*this, start * stride(d));
}

Tensor Tensor::select(int64_t d, int64_t index) const {
    d = maybe_wrap_dim(d, dim());
    if (index < -size(d) || index >= size(d))
        simt::fail<c10::IndexError>("select(): index ", index, " out of range for tensor of size ", sizes(),
                                    " at dimension ", d);
    return narrow(d, index < 0 ? index + size(d) : index, 1).squeeze(d);
}

Tensor Tensor::slice(int64_t d, int64_t start, int64_t end, int64_t step) const {
    if (step <= 0) simt::fail("slice step must be positive");
    d = maybe_wrap_dim(d, dim());
    const int64_t n = size(d);
    if (start < 0) start += n;
    if (end < 0) end += n;
    start = start < 0 ? 0 : start > n ? n : start;
    end = end < start ? start : end > n ? n : end;
    Shape shape(narrow(d, start, end - start));
    shape.sizes[d] = (end - start + step - 1) / step;
    shape.strides[d] *= step;
    return shape.of(*this, start * stride(d));
}

}  // namespace at
