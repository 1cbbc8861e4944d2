// Memory of tensors: a guarded region of ours, or a Python tensor's memory for the length of its life.
#pragma once
#include "state.h"
#include "simt/tensor.h"

namespace simt {

struct Storage {
    int64_t references;
    Region* region;  // ours, or null
    void* owner;     // the Python tensor, or null
    char* data;
};

Storage* storage_borrow(void* owner, char* data);
// A Python tensor's memory comes and goes.
void storage_borrowed(const Storage* storage, size_t bytes);
void storage_returned(const Storage* storage);
void storage_destroy_region(Region* region);
TensorImpl* tensor_new(Storage* storage, char* data, c10::ScalarType type, int dim, const int64_t* sizes,
                       const int64_t* strides);
TensorImpl* tensor_allocate(c10::ScalarType type, c10::IntArrayRef sizes, bool zero);
void tensor_release(TensorImpl* tensor);
// A tensor on the same memory.
at::Tensor tensor_alias(const TensorImpl* of, c10::IntArrayRef sizes, c10::IntArrayRef strides, int64_t offset);
void host_writes(const void* data);
void tensor_copy(const TensorImpl* to, const TensorImpl* from);
void tensor_zero(const TensorImpl* tensor);  // of a contiguous one
void tensor_fill(const TensorImpl* tensor, c10::Scalar value);
c10::Scalar tensor_item(const TensorImpl* tensor);  // of one element
// Calls `visit(byte offset in a, byte offset in b)` for every element of two tensors of one shape.
template <class F>
void for_each_pair(const TensorImpl* a, const TensorImpl* b, F visit) {
    const auto width_a = static_cast<int64_t>(c10::elementSize(a->type));
    const auto width_b = static_cast<int64_t>(c10::elementSize(b->type));
    int64_t index[kMaxDim] = {}, at_a = 0, at_b = 0;
    for (int64_t n = 0; n < a->numel; ++n) {
        visit(at_a * width_a, at_b * width_b);
        for (int d = a->dim - 1; d >= 0; --d) {
            at_a += a->strides[d];
            at_b += b->strides[d];
            if (++index[d] < a->sizes[d]) break;
            index[d] = 0;
            at_a -= a->strides[d] * a->sizes[d];
            at_b -= b->strides[d] * b->sizes[d];
        }
    }
}

}  // namespace simt
