// Life of tensors: reference counts, views on one memory, and what Python asks about them.
#include "storage.h"

extern "C" {
void Py_IncRef(void* object) __attribute__((weak));
void Py_DecRef(void* object) __attribute__((weak));
}

namespace simt {

Storage* storage_borrow(void* owner, char* data) {
    if (owner && Py_IncRef) Py_IncRef(owner);
    return new Storage{0, nullptr, owner, data};
}

static void storage_release(Storage* storage) {
    if (--storage->references) return;
    if (storage->owner) storage_returned(storage);
    if (storage->owner && Py_DecRef) Py_DecRef(storage->owner);
    if (storage->region) storage_destroy_region(storage->region);
    delete storage;
}

TensorImpl* tensor_new(Storage* storage, char* data, c10::ScalarType type, int dim, const int64_t* sizes,
                       const int64_t* strides) {
    if (dim > kMaxDim) fail("tensors of more than ", kMaxDim, " dimensions are not supported");
    auto* tensor = new TensorImpl{};
    tensor->references = 1;
    tensor->storage = storage;
    ++storage->references;
    tensor->data = data;
    tensor->type = type;
    tensor->dim = dim;
    tensor->numel = 1;
    for (int d = dim - 1; d >= 0; --d) {
        tensor->sizes[d] = sizes[d];
        tensor->strides[d] = strides ? strides[d] : tensor->numel;
        tensor->numel *= sizes[d];
    }
    if (strides) return tensor;
    int64_t step = 1;  // torch gives a dimension of size zero the stride of size one
    for (int d = dim - 1; d >= 0; --d) {
        tensor->strides[d] = step;
        step *= sizes[d] > 1 ? sizes[d] : 1;
    }
    return tensor;
}

void tensor_release(TensorImpl* tensor) {
    if (!tensor || --tensor->references) return;
    storage_release(tensor->storage);
    delete tensor;
}

at::Tensor tensor_alias(const TensorImpl* of, c10::IntArrayRef sizes, c10::IntArrayRef strides, int64_t offset) {
    char* data = of->data + offset * static_cast<int64_t>(c10::elementSize(of->type));
    return at::Tensor(
        tensor_new(of->storage, data, of->type, static_cast<int>(sizes.size()), sizes.data(), strides.data()));
}

extern "C" {

TensorImpl* simt_borrow(void* owner, void* data, int type, int dim, const int64_t* sizes_and_strides, bool grad) {
    Storage* storage = storage_borrow(owner, static_cast<char*>(data));
    TensorImpl* tensor = tensor_new(storage, storage->data, static_cast<c10::ScalarType>(type), dim,
                                    sizes_and_strides, sizes_and_strides + dim);
    int64_t elements = 1;
    for (int d = 0; d < dim; ++d) elements += (tensor->sizes[d] - 1) * tensor->strides[d];
    storage_borrowed(storage, static_cast<size_t>(elements) * c10::elementSize(tensor->type));
    tensor->requires_grad = grad;
    return tensor;
}

void simt_release(TensorImpl* tensor) { tensor_release(tensor); }
// The Python tensor whose memory this is (no new reference), or null.
void* simt_owner(const TensorImpl* tensor) { return tensor->storage->owner; }
// Its shape, for an owner's as_strided: data offset in bytes, dim, then sizes and strides.
void simt_describe(const TensorImpl* tensor, int64_t* out) {
    *out++ = tensor->data - tensor->storage->data;
    *out++ = static_cast<int64_t>(tensor->type);
    *out++ = tensor->dim;
    for (int d = 0; d < tensor->dim; ++d) *out++ = tensor->sizes[d];
    for (int d = 0; d < tensor->dim; ++d) *out++ = tensor->strides[d];
}

}  // extern "C"
}  // namespace simt
