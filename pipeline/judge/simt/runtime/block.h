// The threads of a block, and what the scheduler's parts (scheduler.cpp, lanes.cpp, grid.cpp) ask of each other.
#pragma once
#include "fiber.h"
#include "scheduler.h"

namespace simt {

enum class State : uint8_t { NotStarted, Running, Ready, AtBarrier, AtGrid, InWarp, Gathering, Exited };

struct Thread {
    WarpOp op;
    int line;
    unsigned mask;
    int source;      // of a shuffle
    int predicate;   // of a barrier; its result afterwards
    uint64_t value;  // of a warp operation; its result afterwards
    Fiber* fiber;
};

// Ordinary launches run one block after the other in one of these; a cooperative launch has one for every block.
struct Block {
    Thread threads[kMaxThreads];
    State states[kMaxThreads];
    uint16_t order[kMaxThreads];  // in which threads begin and resume
    uint16_t ready[kMaxThreads];
    int ready_head, ready_count;
    int started, alive;
    int waiting, at_grid;         // for the block, for all blocks
    int in_warps, gathering;      // in warp operations, for the lanes of their branch
    int current;                  // thread that runs now
};

// What a cooperative launch may hold at once: 1024 threads, or 16 blocks, on each multiprocessor. Every fiber takes two
// of the 65530 mappings that Linux gives a process by default.
constexpr unsigned kResidentThreads = 1024, kResidentBlocks = 16;  // of one multiprocessor
constexpr int kMaxFibers = kMultiprocessors * kResidentThreads + 1;

struct Scheduler {
    Block* block;                 // that runs now
    int count;                    // of threads in a block
    uint3 indices[kMaxThreads];
    Fiber* running;
    Fiber fibers[kMaxFibers];
    Fiber* idle[kMaxFibers];
    int idle_count, fiber_count;
    Context host;
    bool active;
    const LaunchConfig* config;
    KernelBody body;
    void* arguments;
};
extern Scheduler s __attribute__((visibility("hidden")));

// Inlined, as -O1 does it only if it must: they run for every thread at every barrier.
__attribute__((always_inline)) inline void continue_thread(int t) {
    s.block->current = t;
    s.block->states[t] = State::Running;
    thread_index_storage = s.indices[t];
}

__attribute__((always_inline)) inline void push_ready(int t) {
    Block& b = *s.block;
    b.states[t] = State::Ready;
    b.ready[unsigned(b.ready_head + b.ready_count++) % kMaxThreads] = static_cast<uint16_t>(t);
}

// scheduler.cpp
void run_threads(bool begin);  // of the block, until all have ended or wait for the grid
void park();  // called by a fiber whose thread cannot go on; returns when it can
void forget_fibers();  // as after a fault, wherever they were; those of a cooperative launch are given back
[[noreturn]] void divergence(const char* detail, int t);

// async.cpp
void async_begin_block();

// lanes.cpp
bool release_gathering();
void lane_exited(int t);

// grid.cpp
Order thread_order();

}  // namespace simt
