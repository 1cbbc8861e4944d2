// What reads and writes tensors' memory: allocation, conversion between dtypes, DLPack for the way to Python.
#include "storage.h"
#include "instrument.h"
#include "rehearsal.h"
#include <stdlib.h>
#include <string.h>

namespace simt {

void storage_borrowed(const Storage* storage, size_t bytes) {
    borrow(storage->data, bytes);
    host_writes(storage->data);
}

void storage_returned(const Storage* storage) { give_back(storage->data); }

void storage_destroy_region(Region* region) {
    region_open(region);
    record_damage(region, 0);
    region_destroy(region);
}

TensorImpl* tensor_allocate(c10::ScalarType type, c10::IntArrayRef sizes, bool zero) {
    size_t bytes = c10::elementSize(type);
    for (int64_t size : sizes) {
        if (size < 0) fail("Trying to create tensor with negative dimension ", size, ": ", sizes);
        if (__builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) fail("out of memory: ", sizes);
    }
    Region* region = region_create(bytes, "tensor", nullptr);
    if (!region) fail("CUDA out of memory. Tried to allocate ", bytes, " bytes");
    if (!zero) poison(region->data, bytes);
    region->host_wrote = zero;
    region_close(region);
    auto* storage = new Storage{0, region, nullptr, region->data};
    return tensor_new(storage, region->data, type, static_cast<int>(sizes.size()), sizes.data(), nullptr);
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

static int64_t moved_bytes, truncated;  // by copies that put values elsewhere; elements made whole numbers or booleans
void count_moved_bytes(size_t bytes) { moved_bytes += static_cast<int64_t>(bytes); }

static bool is_part(const TensorImpl* tensor) {
    const Region* region = region_near(tensor->data);
    return region && static_cast<size_t>(tensor->numel) * c10::elementSize(tensor->type) < region->bytes;
}

static bool same_layout(const TensorImpl* one, const TensorImpl* other) {
    for (int d = 0; d < one->dim; ++d)
        if (one->sizes[d] != 1 && one->strides[d] != other->strides[d]) return false;
    return true;
}

void tensor_copy(const TensorImpl* to, const TensorImpl* from) {
    if (!same_layout(to, from) || is_part(to))
        count_moved_bytes(c10::elementSize(to->type) * static_cast<size_t>(to->numel));
    if (c10::isFloatingType(from->type) && !c10::isFloatingType(to->type) && to->numel > 1) truncated += to->numel;
    if (is_unbacked(to->data) || is_unbacked(from->data)) return;
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

void tensor_zero(const TensorImpl* tensor) {
    if (is_unbacked(tensor->data)) return;
    host_writes(tensor->data);
    const DeviceAccess access;
    memset(tensor->data, 0, static_cast<size_t>(tensor->numel) * c10::elementSize(tensor->type));
}

void tensor_fill(const TensorImpl* tensor, c10::Scalar value) {
    int64_t integer = value.toLong();
    double number = value.toDouble();
    const bool integral = value.isIntegral(false);
    const int64_t no_strides[kMaxDim] = {};
    Storage storage{1, nullptr, nullptr, nullptr};
    char* data = integral ? reinterpret_cast<char*>(&integer) : reinterpret_cast<char*>(&number);
    const auto type = integral ? c10::kLong : c10::kDouble;
    const at::Tensor source(tensor_new(&storage, data, type, tensor->dim, tensor->sizes, no_strides));
    tensor_copy(tensor, source.unsafeGetTensorImpl());
}

c10::Scalar tensor_item(const TensorImpl* tensor) {
    const DeviceAccess access;
    count_host_bytes(c10::elementSize(tensor->type));
    if (is_unbacked(tensor->data)) fail("a rehearsal has no values to read");
    int64_t integer = 0;
    double number = 0;
    const bool floating = c10::isFloatingType(tensor->type);
    Storage storage{1, nullptr, nullptr, nullptr};
    char* data = floating ? reinterpret_cast<char*>(&number) : reinterpret_cast<char*>(&integer);
    const auto type = floating ? c10::kDouble : c10::kLong;
    const at::Tensor target(tensor_new(&storage, data, type, tensor->dim, tensor->sizes, tensor->strides));
    tensor_copy(target.unsafeGetTensorImpl(), tensor);
    return floating ? c10::Scalar(number) : c10::Scalar(integer);
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

int64_t simt_moved_bytes() { return moved_bytes; }
int64_t simt_truncated() { return truncated; }

// Null when there is no memory for it.
TensorImpl* simt_allocate(int type, int dim, const int64_t* sizes) {
    try {
        return tensor_allocate(static_cast<c10::ScalarType>(type), {sizes, static_cast<size_t>(dim)}, false);
    } catch (const c10::Error&) {
        return nullptr;
    }
}

}  // extern "C"
}  // namespace simt
