// Tensors' memory is torch's: what reads or writes it asks Python, which asks torch, so that the caching allocator and
// the current stream are the ones that the rest of the process uses.
#include <stdio.h>
#include <string.h>
#include "storage.h"

namespace simt {

// memory.py: each returns zero, or another number after `simt_python_failed`.
struct Python {
    int (*allocate)(int type, int dim, const int64_t* sizes, int zero, void** owner_and_data);
    int (*copy)(const TensorImpl* to, const TensorImpl* from);
    int (*fill)(const TensorImpl* tensor, int integral, int64_t integer, double number);
    int (*item)(const TensorImpl* tensor, int64_t* integer, double* number);
    void* (*stream)();
};
static Python python;
static char failure[1024];
static int64_t host_bytes;

static void check(int status) {
    if (status) fail(static_cast<const char*>(failure));
}

TensorImpl* tensor_allocate(c10::ScalarType type, c10::IntArrayRef sizes, bool zero) {
    void* found[2] = {};
    check(python.allocate(static_cast<int>(type), static_cast<int>(sizes.size()), sizes.data(), zero, found));
    // The allocation's own reference to the Python tensor becomes the storage's.
    auto* storage = new Storage{0, nullptr, found[0], static_cast<char*>(found[1])};
    return tensor_new(storage, storage->data, type, static_cast<int>(sizes.size()), sizes.data(), nullptr);
}

void tensor_copy(const TensorImpl* to, const TensorImpl* from) { check(python.copy(to, from)); }
void tensor_zero(const TensorImpl* tensor) { tensor_fill(tensor, 0); }
void tensor_fill(const TensorImpl* tensor, c10::Scalar value) {
    check(python.fill(tensor, value.isIntegral(false), value.toLong(), value.toDouble()));
}

c10::Scalar tensor_item(const TensorImpl* tensor) {
    int64_t integer = 0;
    double number = 0;
    check(python.item(tensor, &integer, &number));
    count_host_bytes(c10::elementSize(tensor->type));
    return c10::isFloatingType(tensor->type) ? c10::Scalar(number) : c10::Scalar(integer);
}

// Only simt has regions of its own.
void storage_borrowed(const Storage*, size_t) {}
void storage_returned(const Storage*) {}
void storage_destroy_region(Region*) {}
// The hardware keeps host code out of device memory, and reports what a kernel must not do.
void device_open() {}
void device_close() {}
void install_signal_handler() {}
extern "C" bool simt_take_pending() { return false; }

void count_host_bytes(size_t bytes) { host_bytes += static_cast<int64_t>(bytes); }

extern "C" {

void simt_set_python(const Python* functions) { python = *functions; }
void simt_python_failed(const char* text) { snprintf(failure, sizeof failure, "%s", text); }
void* simt_current_stream() { return python.stream(); }
int64_t simt_host_bytes() { return host_bytes; }
void simt_count_host_bytes(size_t bytes) { count_host_bytes(bytes); }

}  // extern "C"
}  // namespace simt
