// What a translated candidate and the runtime library agree on. Everything here is out of line, so that a
// candidate's own translation unit stays small: build time of a candidate is the judge's largest cost.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace simt {

// Filled into fresh tensors, shared memory and guard slack. As any float format it is a NaN; as an integer it is a
// large number that is out of bounds wherever it is used as an index.
constexpr uint16_t kPoison = 0x7FFB;

struct LaunchConfig {
    const char* kernel;  // as written: "softmax<T, 4>"
    int line;            // of the candidate's source
    unsigned grid[3];
    unsigned block[3];
    size_t shared_bytes;
    bool by_pointer = false;   // the name is that of a pointer, which may point at any kernel
    bool cooperative = false;  // all blocks at once, as grid.sync() needs
};

using KernelBody = void (*)(void* arguments);

// One `__shared__` variable of one function (instantiation): a static, so its address is its identity.
struct SharedSlot {
    const char* name;
    int line;
    void* data;       // ends against an inaccessible page
    size_t bytes;
    unsigned launch;  // the launch that last used it
};

// Of a thread: so many bytes, and zeros after them.
struct AsyncCopy {
    void* to;
    const void* from;
    size_t bytes, zeros;
};

enum class WarpOp : int { Sync, Shuffle, Ballot, Match, Add, Min, Max, UMin, UMax, And, Or, Xor };

extern "C" {
extern unsigned simt_launch_number;
extern void* simt_dynamic_shared;

void simt_launch(const LaunchConfig& config, KernelBody body, void* arguments);
// Of a pointer that a launch hands to its kernel: it has to point to memory that a GPU can reach.
void simt_argument(const LaunchConfig& config, const void* pointer);
void* simt_shared_allocate(SharedSlot& slot, size_t bytes);
// Waits for the block; returns sum, and, or of `predicate` over its live threads for op '+', '&', '|'.
int simt_block_barrier(int line, char op, int predicate);
// Waits for all blocks of a cooperative launch.
void simt_grid_barrier(int line);
bool simt_launched_together();
// How many blocks one multiprocessor holds at once; 0 if none fits.
int simt_resident_blocks(uint64_t threads, size_t shared_bytes);
// Waits for the live lanes of `mask`. `source` is the absolute lane that a shuffle reads.
uint64_t simt_warp(WarpOp op, int line, unsigned mask, uint64_t value, int source);
// Which lanes of the warp are live: those that any mask of theirs can name.
unsigned simt_live_mask();
// Which lanes of the warp are at this call, once none of the block can go on without it.
unsigned simt_active_mask(int line);
unsigned simt_lane();
bool simt_is_shared(const void* address);
void simt_async_copy(AsyncCopy copy);
void simt_async_commit();
// The next copy that may not be pending any longer when at most `prior` batches may be; false if there is none.
bool simt_async_next(unsigned prior, AsyncCopy* copy);
void simt_body_begins();
void simt_fence();
void simt_atomic_begins();
void simt_atomic_ends();
[[noreturn]] void simt_device_fail(const char* kind, const char* detail, int line);
void* simt_device_malloc(size_t bytes);
void* simt_host_malloc(size_t bytes);
void simt_copy(void* to, const void* from, size_t bytes, bool to_host);
void simt_copy_to_variable(void* to, const void* from, size_t bytes);
void simt_set(void* to, int value, size_t bytes);
bool simt_device_free(void* pointer);
}

// What an instrumented library tells the runtime besides its accesses; see runtime/instrument.cpp. SIMT_UNCHECKED is
// for the code that brings a kernel's arguments from host memory.
#ifdef __SANITIZE_THREAD__
struct AtomicScope {
    AtomicScope() { simt_atomic_begins(); }
    ~AtomicScope() { simt_atomic_ends(); }
};
inline void fence() { simt_fence(); }
#define SIMT_UNCHECKED __attribute__((no_sanitize("thread")))
#define SIMT_BODY_BEGINS simt::simt_body_begins(),
#else
struct AtomicScope {};
inline void fence() {}
#define SIMT_UNCHECKED
#define SIMT_BODY_BEGINS
#endif

template <class T>
T& shared(SharedSlot& slot) {
    static_assert(sizeof(T) <= 48 * 1024, "uses too much shared data: the limit of static shared memory is 48 KB");
    void* data = slot.launch == simt_launch_number ? slot.data : simt_shared_allocate(slot, sizeof(T));
    return *static_cast<T*>(data);
}

}  // namespace simt
