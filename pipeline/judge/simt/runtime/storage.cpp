// Life of tensors: reference counts, allocation, conversion between dtypes, DLPack for the way to Python.
#include "storage.h"
#include "instrument.h"
#include <stdlib.h>
#include <string.h>

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
    if (storage->owner) give_back(storage->data);
    if (storage->owner && Py_DecRef) Py_DecRef(storage->owner);
    if (storage->region) {
        const DeviceAccess access;
        record_damage(storage->region, 0);
        region_destroy(storage->region);
    }
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

TensorImpl* tensor_allocate(c10::ScalarType type, c10::IntArrayRef sizes, bool zero) {
    size_t bytes = c10::elementSize(type);
    for (int64_t size : sizes) {
        if (size < 0) fail("Trying to create tensor with negative dimension ", size, ": ", sizes);
        if (__builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) fail("out of memory: ", sizes);
    }
    const DeviceAccess access;
    Region* region = region_create(bytes, "tensor", nullptr);
    if (!region) fail("CUDA out of memory. Tried to allocate ", bytes, " bytes");
    if (!zero) poison(region->data, bytes);
    region->host_wrote = zero;
    auto* storage = new Storage{0, region, nullptr, region->data};
    return tensor_new(storage, region->data, type, static_cast<int>(sizes.size()), sizes.data(), nullptr);
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

// Calls `visit(T{})` with the C++ type of a dtype.
template <class F>
static void with_type(c10::ScalarType type, F visit) {
    switch (type) {
        case c10::kByte: return visit(uint8_t{});
        case c10::kChar: return visit(int8_t{});
        case c10::kShort: return visit(int16_t{});
        case c10::kInt: return visit(int32_t{});
        case c10::kLong: return visit(int64_t{});
        case c10::kFloat: return visit(float{});
        case c10::kDouble: return visit(double{});
        case c10::kBool: return visit(bool{});
        case c10::kHalf: return visit(c10::Half{});
        case c10::kBFloat16: return visit(c10::BFloat16{});
        default: fail("conversion of ", type, " is not supported here");
    }
}

// From now on nothing in this memory counts as uninitialised: host code has written to it, or Python may.
void host_writes(const void* data) {
    if (Region* region = region_near(data)) region->host_wrote = true;
}

void tensor_copy(const TensorImpl* to, const TensorImpl* from) {
    const DeviceAccess access;
    host_writes(to->data);
    if (to->type == from->type) {
        const size_t width = c10::elementSize(to->type);
        for_each_pair(to, from, [&](int64_t a, int64_t b) { memcpy(to->data + a, from->data + b, width); });
        return;
    }
    with_type(to->type, [&](auto target) {
        with_type(from->type, [&](auto source) {
            for_each_pair(to, from, [&](int64_t a, int64_t b) {
                memcpy(&source, from->data + b, sizeof source);
                target = static_cast<decltype(target)>(source);
                memcpy(to->data + a, &target, sizeof target);
            });
        });
    });
}

// dlpack.h, version 0: a stable layout that torch.from_dlpack takes over.
struct DLTensor {
    void* data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};
struct DLManagedTensor {
    DLTensor tensor;
    void* context;
    void (*deleter)(DLManagedTensor*);
};

static void dlpack_delete(DLManagedTensor* managed) {
    tensor_release(static_cast<TensorImpl*>(managed->context));
    delete managed;
}

static uint8_t dlpack_code(c10::ScalarType type) {
    if (type == c10::kBool) return 6;
    if (type == c10::kBFloat16) return 4;
    if (type == c10::kByte) return 1;
    return c10::isFloatingType(type) ? 2 : 0;
}

extern "C" {

// Takes over the caller's reference.
DLManagedTensor* simt_to_dlpack(TensorImpl* tensor) {
    host_writes(tensor->data);
    auto* managed = new DLManagedTensor{};
    managed->tensor = {tensor->data, 1, 0, tensor->dim, dlpack_code(tensor->type),
                       static_cast<uint8_t>(8 * c10::elementSize(tensor->type)), 1, tensor->sizes, tensor->strides, 0};
    managed->context = tensor;
    managed->deleter = dlpack_delete;
    return managed;
}

TensorImpl* simt_borrow(void* owner, void* data, int type, int dim, const int64_t* sizes_and_strides, bool grad) {
    Storage* storage = storage_borrow(owner, static_cast<char*>(data));
    int64_t elements = 1;
    for (int d = 0; d < dim; ++d) elements += (sizes_and_strides[d] - 1) * sizes_and_strides[dim + d];
    borrow(data, static_cast<size_t>(elements) * c10::elementSize(static_cast<c10::ScalarType>(type)));
    host_writes(data);
    TensorImpl* tensor = tensor_new(storage, storage->data, static_cast<c10::ScalarType>(type), dim,
                                    sizes_and_strides, sizes_and_strides + dim);
    tensor->requires_grad = grad;
    return tensor;
}

// Null when there is no memory for it.
TensorImpl* simt_allocate(int type, int dim, const int64_t* sizes) {
    try {
        return tensor_allocate(static_cast<c10::ScalarType>(type), {sizes, static_cast<size_t>(dim)}, false);
    } catch (const c10::Error&) {
        return nullptr;
    }
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
