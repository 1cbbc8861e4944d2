// Runs a grid on one OS thread: blocks one after the other; those of a cooperative launch in turns, each as far as the
// next barrier for the grid.
#include <stdlib.h>
#include <string.h>
#include <algorithm>
#include "block.h"
#include "instrument.h"

namespace simt {

constexpr uint64_t kLargestGpu = 192;  // multiprocessors; no launch that one of these could hold is refused as too large
constexpr uint64_t kLargestThreads = 2048, kLargestBlocks = 32;  // of a multiprocessor
constexpr size_t kLargestShared = 228 * 1024, kReservedShared = 1024;

static Block only_block;
static Order run_order = Order::Forward;
static uint64_t random_state = 1;

Order thread_order() { return run_order; }

static unsigned random_below(unsigned bound) {
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<unsigned>(((random_state >> 33) * bound) >> 31);
}

void set_order(Order order, uint64_t seed) {
    run_order = order;
    random_state = seed * 2 + 1;
}

uint3 block_index(uint64_t block) {
    const unsigned* grid = s.config->grid;
    return {unsigned(block % grid[0]), unsigned(block / grid[0] % grid[1]), unsigned(block / grid[0] / grid[1])};
}

static void set_thread_order() {
    uint16_t* order = s.block->order;
    for (int i = 0; i < s.count; ++i) order[i] = static_cast<uint16_t>(run_order == Order::Reverse ? s.count - 1 - i : i);
    if (run_order != Order::Random) return;
    for (int i = s.count - 1; i > 0; --i) std::swap(order[i], order[random_below(static_cast<unsigned>(i + 1))]);
}

static void begin_block() {
    Block& b = *s.block;
    b.started = b.waiting = b.at_grid = b.in_warps = b.gathering = b.ready_head = b.ready_count = 0;
    b.alive = s.count;
    memset(b.states, static_cast<int>(State::NotStarted), static_cast<size_t>(s.count));
    shared_begin_block();
    async_begin_block();
}

// Of the block `index`: until it has ended, or waits for the grid.
static void run_turn(uint64_t index, bool begin) {
    set_block_index(block_index(index));
    if (instrumented) order_begin_block(index);
    run_threads(begin);
    if (instrumented) shadow_settle();
    if (!fault_pending()) shared_end_block();
}

// The number of the block that runs as the i-th.
static uint64_t nth_block(uint64_t i, uint64_t blocks, uint64_t shift) {
    return run_order == Order::Reverse ? blocks - 1 - i : (i + shift) % blocks;
}

static uint64_t random_shift(uint64_t blocks) {
    return run_order == Order::Random ? random_below(1u << 30) % blocks : 0;
}

static void run_in_sequence(uint64_t blocks) {
    s.block = &only_block;
    set_thread_order();
    const uint64_t shift = random_shift(blocks);
    for (uint64_t i = 0; i < blocks && !fault_pending(); ++i) {
        if (run_order == Order::Random) set_thread_order();
        begin_block();
        run_turn(nth_block(i, blocks, shift), true);
    }
}

// A block has come to the barrier once all its live threads have, the first of them among them: on a GPU it is that
// one which tells the other blocks.
static void check_all_came(const Block* resident, uint64_t blocks) {
    for (uint64_t i = 0; i < blocks; ++i) {
        if (resident[i].at_grid && resident[i].states[0] != State::Exited) continue;
        set_block_index(block_index(i));
        return stop(make_fault("divergent_barrier", "the grid waits for a block whose first thread has ended", 0));
    }
}

static void run_together(uint64_t blocks, Block* resident) {
    for (bool begin = true, waiting = true; waiting && !fault_pending(); begin = false) {
        if (!begin) check_all_came(resident, blocks);
        if (!begin && instrumented) order_begin_launch();  // whatever came before the barrier is ordered
        waiting = false;
        const uint64_t shift = random_shift(blocks);
        for (uint64_t i = 0; i < blocks && !fault_pending(); ++i) {
            const uint64_t number = nth_block(i, blocks, shift);
            s.block = &resident[number];
            if (!shared_select(number)) return stop(make_fault("unsupported", "no memory for so many blocks", 0));
            if (begin) set_thread_order(), begin_block();
            run_turn(number, begin);
            waiting |= s.block->at_grid > 0;
        }
    }
}

// How many blocks fit a multiprocessor that holds so much.
static uint64_t fitting(uint64_t threads, size_t bytes, uint64_t most_threads, uint64_t most_blocks, size_t most_bytes) {
    const uint64_t whole_warps = (threads + 31) / 32 * 32;
    return std::min({most_threads / whole_warps, most_blocks, most_bytes / (bytes + kReservedShared)});
}

extern "C" int simt_resident_blocks(uint64_t threads, size_t shared_bytes) {
    return static_cast<int>(fitting(threads, shared_bytes, kResidentThreads, kResidentBlocks, kSharedPerMultiprocessor));
}

Residence residence(const LaunchConfig& c) {
    const uint64_t threads = uint64_t(c.block[0]) * c.block[1] * c.block[2];
    const uint64_t blocks = uint64_t(c.grid[0]) * c.grid[1] * c.grid[2];
    if (blocks > kLargestGpu * fitting(threads, c.shared_bytes, kLargestThreads, kLargestBlocks, kLargestShared))
        return Residence::TooLarge;
    if (blocks > uint64_t(kMultiprocessors) * kResidentBlocks || !reserve_fibers(blocks * threads))
        return Residence::Beyond;
    return Residence::Fits;
}

void run_grid(const LaunchConfig& config, KernelBody body, void* arguments) {
    s.config = &config;
    s.body = body;
    s.arguments = arguments;
    s.count = static_cast<int>(config.block[0] * config.block[1] * config.block[2]);
    int t = 0;
    for (unsigned z = 0; z < config.block[2]; ++z)
        for (unsigned y = 0; y < config.block[1]; ++y)
            for (unsigned x = 0; x < config.block[0]; ++x) s.indices[t++] = {x, y, z};
    const uint64_t blocks = uint64_t(config.grid[0]) * config.grid[1] * config.grid[2];
    s.active = true;
    if (instrumented) instrument_begin_launch();
    if (config.cooperative) {
        auto* resident = static_cast<Block*>(calloc(blocks, sizeof(Block)));  // what is not used takes no memory
        run_together(blocks, resident);
        s.block = &only_block;
        free(resident);
    } else {
        run_in_sequence(blocks);
    }
    s.active = false;
    if (fault_pending() || config.cooperative) forget_fibers();
}

}  // namespace simt
