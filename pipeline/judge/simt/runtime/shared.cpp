// Shared memory: each `__shared__` array is a guarded region of its own, poisoned before every block.
#include <stdio.h>
#include <string.h>
#include <vector>
#include "instrument.h"

namespace simt {

constexpr size_t kMaxArrays = 256;

struct Array {
    SharedSlot* slot;
    Region* region;
    unsigned launch;
};
// Of one block. Ordinary launches share the first one, whose regions stay; each block of a cooperative one has its own.
struct Memory {
    Region* dynamic = nullptr;
    std::vector<Array> arrays;
    unsigned launch = 0;
    size_t used_bytes = 0;
};
static std::vector<Memory> memories(1);
static size_t current;
static size_t dynamic_bytes, limit_bytes;

extern "C" {
unsigned simt_launch_number;
void* simt_dynamic_shared;
}

static Region* shared_region(size_t bytes, const char* what, const char* name) {
    Region* region = region_create(bytes, what, name);
    if (region) region->shared = true;
    return region;
}

void shared_begin_launch(size_t bytes, bool raised) {
    if (++simt_launch_number == 0) ++simt_launch_number;  // 0 stands for none
    dynamic_bytes = bytes;
    limit_bytes = raised ? kMaxDynamicShared : kDefaultDynamicShared;
    shared_select(0);
}

void shared_end_launch() {
    shared_select(0);
    for (; memories.size() > 1; memories.pop_back()) {
        const Memory& memory = memories.back();
        if (memory.dynamic) region_destroy(memory.dynamic);
        for (const Array& array : memory.arrays) region_destroy(array.region);
    }
    // The slots lie in the candidate's memory: a number of ours there must not be taken for its count of calls.
    for (const Array& array : memories[0].arrays) array.slot->launch = 0;
}

bool shared_select(size_t resident) {
    for (const Array& array : memories[current].arrays) array.slot->launch = 0;
    if (memories.size() <= resident) memories.resize(resident + 1);
    current = resident;
    Memory& memory = memories[current];
    if (!memory.dynamic || memory.dynamic->bytes != dynamic_bytes) {
        if (memory.dynamic) region_destroy(memory.dynamic);
        memory.dynamic = shared_region(dynamic_bytes, "extern __shared__ array", nullptr);
        if (!memory.dynamic) return false;
    }
    simt_dynamic_shared = memory.dynamic->data;
    if (memory.launch != simt_launch_number) memory.used_bytes = dynamic_bytes;
    memory.launch = simt_launch_number;
    for (const Array& array : memory.arrays) {
        if (array.launch != simt_launch_number) continue;
        array.slot->data = array.region->data;
        array.slot->launch = simt_launch_number;
    }
    return true;
}

static void make_fresh(Region* region) {
    poison(region->data, region->bytes);
    shadow_forget(region);
}

void shared_begin_block() {
    const Memory& memory = memories[current];
    if (memory.dynamic->bytes) make_fresh(memory.dynamic);
    for (const Array& array : memory.arrays)
        if (array.launch == simt_launch_number) make_fresh(array.region);
}

void shared_end_block() {
    const Memory& memory = memories[current];
    if (memory.dynamic->bytes) record_damage(memory.dynamic, 0);
    for (const Array& array : memory.arrays)
        if (array.launch == simt_launch_number) record_damage(array.region, array.slot->line);
}

static Array& array_of(Memory& memory, SharedSlot& slot, size_t bytes) {
    for (Array& array : memory.arrays)
        if (array.slot == &slot) return array;
    if (memory.arrays.size() == kMaxArrays)
        simt_device_fail("unsupported", "more than 256 __shared__ arrays", slot.line);
    Region* region = shared_region(bytes, "__shared__ array", slot.name);
    if (!region) simt_device_fail("unsupported", "no memory for the shared arrays of so many blocks", slot.line);
    memory.arrays.push_back({&slot, region, 0});
    return memory.arrays.back();
}

extern "C" void* simt_shared_allocate(SharedSlot& slot, size_t bytes) {
    Memory& memory = memories[current];
    Array& array = array_of(memory, slot, bytes);
    memory.used_bytes += bytes;
    if (memory.used_bytes > limit_bytes) {
        set_last_error(cudaErrorInvalidValue);
        simt_device_fail("launch_error", "static and dynamic shared memory together exceed the limit", slot.line);
    }
    array.launch = simt_launch_number;
    slot.launch = simt_launch_number;
    slot.data = array.region->data;
    slot.bytes = bytes;
    make_fresh(array.region);
    return slot.data;
}

}  // namespace simt
