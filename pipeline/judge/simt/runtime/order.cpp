// Which accesses are ordered: by a barrier, a warp operation, a fence with an atomic, or the end of a launch. Where this
// model is coarser than CUDA's it errs towards "ordered", so that no correct kernel is called racy.
#include <string.h>
#include <vector>
#include "instrument.h"
#include "scheduler.h"

namespace simt {

bool instrumented;

struct BlockStart {
    uint32_t interval;
    uint64_t block;
};
static std::vector<BlockStart> blocks;  // of the current launch, in the order in which they ran
static uint32_t interval, launch_interval, block_interval;
// The last interval that some thread published: a fence, then an atomic. Who performs an atomic later in another
// block, or in this one, may rely on what was written up to it.
static uint32_t published_interval;
static bool fence_seen, atomic_seen;  // in the current block
// Vector clocks of the lanes of every warp: clocks[warp][a][b] is the last step of b that a is ordered after.
static uint16_t clocks[kMaxThreads / 32][32][32];
static bool clocks_used;

static void begin_interval() {
    ++interval;
    if (!clocks_used) return;
    memset(clocks, 0, sizeof clocks);
    clocks_used = false;
}

void order_begin_launch() {
    blocks.clear();
    begin_interval();
    launch_interval = interval;
    published_interval = 0;
}

void order_begin_block(uint64_t block) {
    begin_interval();
    block_interval = interval;
    blocks.push_back({interval, block});
    fence_seen = atomic_seen = false;
}

void order_barrier() { begin_interval(); }

void order_warp(int first, unsigned group) {
    auto& warp = clocks[first / 32];
    uint16_t joined[32] = {};
    for (int a = 0; a < 32; ++a)
        if (group >> a & 1)
            for (int b = 0; b < 32; ++b) joined[b] = joined[b] > warp[a][b] ? joined[b] : warp[a][b];
    for (int a = 0; a < 32; ++a)
        if (group >> a & 1) ++joined[a];  // a step counts as seen once the operation is over
    for (int a = 0; a < 32; ++a)
        if (group >> a & 1) memcpy(warp[a], joined, sizeof joined);
    clocks_used = true;
}

void order_fence() { fence_seen = true; }

void order_atomic() {
    if (fence_seen) published_interval = interval;
    atomic_seen = true;
}

Stamp order_stamp(const void* place, bool atomic) {
    const int thread = current_thread(), lane = thread % 32;
    return {interval, static_cast<uint32_t>(reinterpret_cast<uintptr_t>(place)), static_cast<uint16_t>(thread),
            clocks[thread / 32][lane][lane], atomic};
}

bool ordered(const Stamp& earlier) {
    if (earlier.interval < launch_interval) return true;
    if (atomic_seen && earlier.interval <= published_interval) return true;
    if (earlier.interval != interval) return earlier.interval >= block_interval;
    const int thread = current_thread();
    if (earlier.thread == thread) return true;
    if (earlier.thread / 32 != thread / 32) return false;
    return clocks[thread / 32][thread % 32][earlier.thread % 32] > earlier.clock;
}

uint64_t order_block(const Stamp& stamp) {
    uint64_t block = 0;
    for (size_t low = 0, high = blocks.size(); low < high;) {
        const size_t middle = (low + high) / 2;
        if (blocks[middle].interval <= stamp.interval) block = blocks[middle].block, low = middle + 1;
        else high = middle;
    }
    return block;
}

}  // namespace simt
