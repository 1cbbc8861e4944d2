// Shared memory: each `__shared__` array is a guarded region of its own, poisoned before every block.
#include <stdio.h>
#include <string.h>
#include "instrument.h"

namespace simt {

constexpr int kMaxArrays = 256;

struct Array {
    SharedSlot* slot;
    Region* region;
    unsigned launch;
};
static Array arrays[kMaxArrays];
static int array_count;
static Region* dynamic_region;
static size_t used_bytes, limit_bytes;

extern "C" {
unsigned simt_launch_number;
void* simt_dynamic_shared;
}

void shared_begin_launch(size_t dynamic_bytes) {
    ++simt_launch_number;
    used_bytes = dynamic_bytes;
    limit_bytes = dynamic_bytes > kDefaultDynamicShared ? kMaxDynamicShared : kDefaultDynamicShared;
    if (!dynamic_region || dynamic_region->bytes != dynamic_bytes) {
        if (dynamic_region) region_destroy(dynamic_region);
        dynamic_region = region_create(dynamic_bytes, "extern __shared__ array", nullptr);
        dynamic_region->shared = true;
    }
    simt_dynamic_shared = dynamic_region->data;
}

static void make_fresh(Region* region) {
    poison(region->data, region->bytes);
    shadow_forget(region);
}

void shared_begin_block() {
    if (dynamic_region->bytes) make_fresh(dynamic_region);
    for (int i = 0; i < array_count; ++i)
        if (arrays[i].launch == simt_launch_number) make_fresh(arrays[i].region);
}

void shared_end_block() {
    if (dynamic_region->bytes) record_damage(dynamic_region, 0);
    for (int i = 0; i < array_count; ++i)
        if (arrays[i].launch == simt_launch_number) record_damage(arrays[i].region, arrays[i].slot->line);
}

extern "C" void* simt_shared_allocate(SharedSlot& slot, size_t bytes) {
    Array* array = nullptr;
    for (int i = 0; i < array_count; ++i)
        if (arrays[i].slot == &slot) array = &arrays[i];
    if (!array) {
        if (array_count == kMaxArrays) simt_device_fail("unsupported", "more than 256 __shared__ arrays", slot.line);
        array = &arrays[array_count++];
        *array = {&slot, region_create(bytes, "__shared__ array", slot.name), 0};
        array->region->shared = true;
    }
    used_bytes += bytes;
    if (used_bytes > limit_bytes) {
        set_last_error(cudaErrorInvalidValue);
        simt_device_fail("launch_error", "static and dynamic shared memory together exceed the limit", slot.line);
    }
    array->launch = simt_launch_number;
    slot.launch = simt_launch_number;
    slot.data = array->region->data;
    slot.bytes = bytes;
    make_fresh(array->region);
    return slot.data;
}

}  // namespace simt
