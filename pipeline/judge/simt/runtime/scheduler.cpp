// Runs a grid on one OS thread: blocks one after the other, the threads of a block on fibers.
//
// A fiber takes the next thread that has not begun, runs it to its end and takes another, so a kernel without barriers
// is a plain loop. Where a thread has to wait, its fiber is parked with it and another fiber goes on.
#include <string.h>
#include "fiber.h"
#include "instrument.h"
#include "scheduler.h"

namespace simt {

enum class State : uint8_t { NotStarted, Running, Ready, AtBarrier, InWarp, Gathering, Exited };

struct Thread {
    WarpOp op;
    int line;
    unsigned mask;
    int source;      // of a shuffle
    int predicate;   // of a barrier; its result afterwards
    uint64_t value;  // of a warp operation; its result afterwards
    Fiber* fiber;
};

struct Scheduler {
    Thread threads[kMaxThreads];
    State states[kMaxThreads];
    uint3 indices[kMaxThreads];
    uint16_t order[kMaxThreads];          // in which threads begin and resume
    uint16_t ready[kMaxThreads];
    int ready_head, ready_count;
    int count, started, alive;            // of the current block
    int waiting, in_warps, gathering;     // for the block, in warp operations, for the lanes of their branch
    int current;                          // thread that runs now
    Fiber* running;
    Fiber fibers[kMaxThreads + 1];
    Fiber* idle[kMaxThreads + 1];
    int idle_count, fiber_count;
    Context host;
    bool active;
    const LaunchConfig* config;
    KernelBody body;
    void* arguments;
};
static Scheduler s;
static Order run_order = Order::Forward;
static uint64_t random_state = 1;

static unsigned random_below(unsigned bound) {
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<unsigned>(((random_state >> 33) * bound) >> 31);
}

void set_order(Order order, uint64_t seed) {
    run_order = order;
    random_state = seed * 2 + 1;
}

bool in_kernel() { return s.active; }
const LaunchConfig* current_launch() { return s.active ? s.config : nullptr; }

bool in_fiber_stack_guard(const void* address) {
    auto at = static_cast<const char*>(address);
    for (int i = 0; i < s.fiber_count; ++i)
        if (at >= s.fibers[i].stack && at < s.fibers[i].stack + kStackGuard) return true;
    return false;
}

bool on_running_stack(const void* address) {
    return static_cast<size_t>(static_cast<const char*>(address) - s.running->stack) < kStackGuard + kStackBytes;
}

int current_thread() { return s.current; }
uint3 thread_index(int thread) { return s.indices[thread]; }
uint3 block_index(uint64_t block) {
    const unsigned* grid = s.config->grid;
    return {unsigned(block % grid[0]), unsigned(block / grid[0] % grid[1]), unsigned(block / grid[0] / grid[1])};
}

static void continue_thread(int t) {
    s.current = t;
    s.states[t] = State::Running;
    set_thread_index(s.indices[t]);
}

static void push_ready(int t) {
    s.states[t] = State::Ready;
    s.ready[(s.ready_head + s.ready_count++) % kMaxThreads] = static_cast<uint16_t>(t);
}

// Makes the next ready thread the current one; returns its fiber, to switch to.
static Fiber* next_ready() {
    const int t = s.ready[s.ready_head];
    s.ready_head = (s.ready_head + 1) % kMaxThreads;
    --s.ready_count;
    continue_thread(t);
    return s.threads[t].fiber;
}

[[noreturn]] static void divergence(const char* detail, int t) {
    continue_thread(t);
    device_abort(make_fault("divergent_barrier", detail, s.threads[t].line));
}

// All live threads wait for the block: each goes on, in order.
static void release_barrier() {
    int line = 0, sum = 0, all = 1;
    for (int i = 0; i < s.count; ++i) {
        const Thread& thread = s.threads[s.order[i]];
        if (s.states[s.order[i]] != State::AtBarrier) continue;
        if (line && thread.line != line) divergence("the block's threads wait at different barriers", s.order[i]);
        line = thread.line;
        sum += thread.predicate & 1;
        all &= thread.predicate & 1;
    }
    for (int i = 0; i < s.count; ++i) {
        Thread& thread = s.threads[s.order[i]];
        if (s.states[s.order[i]] != State::AtBarrier) continue;
        const char op = static_cast<char>(thread.predicate >> 8);
        thread.predicate = op == '+' ? sum : op == '&' ? all : sum != 0;
        push_ready(s.order[i]);
    }
    s.waiting = 0;
    if (instrumented) order_barrier();
}

// Lets the lanes of one warp go on whose operation is complete: every live lane of its mask waits in the same one.
static void release_warp(int t) {
    const int first = t & ~31, lanes = s.count - first < 32 ? s.count - first : 32;
    const Thread& asked = s.threads[t];
    unsigned group = 0;
    for (int lane = 0; lane < lanes; ++lane) {
        const Thread& other = s.threads[first + lane];
        const State state = s.states[first + lane];
        if (!(asked.mask >> lane & 1) || state == State::Exited) continue;
        if (state != State::InWarp || other.line != asked.line || other.op != asked.op || other.mask != asked.mask)
            return;
        group |= 1u << lane;
    }
    uint64_t values[32] = {}, results[32];
    int sources[32] = {};
    for (int lane = 0; lane < lanes; ++lane) {
        values[lane] = s.threads[first + lane].value;
        sources[lane] = s.threads[first + lane].source;
    }
    warp_results(asked.op, group, values, sources, results);
    for (int i = 0; i < lanes; ++i) {
        const int lane = run_order == Order::Forward ? i : lanes - 1 - i;
        if (!(group >> lane & 1)) continue;
        s.threads[first + lane].value = results[lane];
        push_ready(first + lane);
    }
    s.in_warps -= __builtin_popcount(group);
    if (instrumented) order_warp(first, group);
}

static void thread_exited() {
    const int t = s.current;
    s.states[t] = State::Exited;
    --s.alive;
    if (s.alive && s.waiting == s.alive) release_barrier();
    if (!s.in_warps) return;
    const int first = t & ~31;
    for (int other = first; other < first + 32 && other < s.count; ++other)
        if (s.states[other] == State::InWarp && s.threads[other].mask >> (t & 31) & 1) release_warp(other);
}

static void fiber_entry();

static Fiber* take_idle_fiber() {
    if (s.idle_count) return s.idle[--s.idle_count];
    Fiber* fiber = &s.fibers[s.fiber_count++];
    fiber->create();
    fiber->prepare(fiber_entry);
    return fiber;
}

[[noreturn]] static void deadlock() {
    for (int i = 0; i < s.count; ++i)
        if (s.states[i] == State::InWarp)
            divergence("a warp operation waits for lanes of its mask that never reach it", i);
    for (int i = 0;; ++i)
        if (s.states[i] == State::AtBarrier) divergence("the block waits for threads that never arrive", i);
}

// Lets the lanes go on that wait in __activemask(), those of a warp and a line as one group; false if there are none.
static bool release_gathering() {
    if (!s.gathering) return false;
    for (int t = 0; t < s.count; ++t) {
        if (s.states[t] != State::Gathering) continue;
        unsigned group = 0;
        const int first = t & ~31;
        for (int i = t; i < first + 32 && i < s.count; ++i)
            if (s.states[i] == State::Gathering && s.threads[i].line == s.threads[t].line) group |= 1u << (i & 31);
        for (int i = t; i < first + 32 && i < s.count; ++i) {
            if (!(group >> (i & 31) & 1)) continue;
            s.threads[i].mask = group;
            push_ready(i);
        }
    }
    s.gathering = 0;
    return true;
}

// Called by a fiber whose thread cannot go on. Returns when it can.
static void park() {
    const int t = s.current;
    Fiber* self = s.running;
    s.threads[t].fiber = self;
    Fiber* next;
    if (s.ready_count) {
        next = next_ready();
        if (next == self) return;
    } else if (s.started < s.count) {
        next = take_idle_fiber();
    } else {
        if (!release_gathering()) deadlock();
        next = next_ready();
        if (next == self) return;
    }
    s.running = next;
    simt_switch(&self->context, &next->context);
}

static void fiber_entry() {
    for (;;) {
        while (s.started < s.count) {
            continue_thread(s.order[s.started++]);
            if (instrumented) instrument_thread_begins();
            s.body(s.arguments);
            thread_exited();
            if (s.ready_count) break;
        }
        Fiber* self = s.running;
        if (s.ready_count || (s.started == s.count && release_gathering())) {
            s.idle[s.idle_count++] = self;
            s.running = next_ready();
            simt_switch(&self->context, &s.running->context);
        } else if (s.started == s.count) {
            if (s.alive) deadlock();
            s.idle[s.idle_count++] = self;
            simt_switch(&self->context, &s.host);
        }
    }
}

void leave_kernel() {
    Context nowhere;
    simt_switch(&nowhere, &s.host);
    __builtin_unreachable();
}

static void forget_fibers() {
    s.idle_count = 0;
    for (int i = 0; i < s.fiber_count; ++i) {
        s.fibers[i].prepare(fiber_entry);
        s.idle[s.idle_count++] = &s.fibers[i];
    }
}

static void set_thread_order() {
    for (int i = 0; i < s.count; ++i)
        s.order[i] = static_cast<uint16_t>(run_order == Order::Reverse ? s.count - 1 - i : i);
    if (run_order != Order::Random) return;
    for (int i = s.count - 1; i > 0; --i) {
        const unsigned j = random_below(static_cast<unsigned>(i + 1));
        const uint16_t swap = s.order[i];
        s.order[i] = s.order[j];
        s.order[j] = swap;
    }
}

static void run_block() {
    s.started = s.waiting = s.in_warps = s.gathering = s.ready_head = s.ready_count = 0;
    s.alive = s.count;
    memset(s.states, static_cast<int>(State::NotStarted), static_cast<size_t>(s.count));
    if (run_order == Order::Random) set_thread_order();
    shared_begin_block();
    s.running = take_idle_fiber();
    simt_switch(&s.host, &s.running->context);
    if (instrumented) shadow_settle();
    if (!fault_pending()) shared_end_block();
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
    set_thread_order();
    const uint64_t blocks = uint64_t(config.grid[0]) * config.grid[1] * config.grid[2];
    const uint64_t shift = run_order == Order::Random ? random_below(1u << 30) % blocks : 0;
    s.active = true;
    if (instrumented) instrument_begin_launch();
    for (uint64_t i = 0; i < blocks && !fault_pending(); ++i) {
        const uint64_t b = run_order == Order::Reverse ? blocks - 1 - i : (i + shift) % blocks;
        set_block_index(block_index(b));
        if (instrumented) order_begin_block(b);
        run_block();
    }
    s.active = false;
    if (fault_pending()) forget_fibers();
}

extern "C" int simt_block_barrier(int line, char op, int predicate) {
    Thread& thread = s.threads[s.current];
    s.states[s.current] = State::AtBarrier;
    thread.line = line;
    thread.predicate = op << 8 | predicate;
    if (++s.waiting == s.alive) release_barrier();
    park();
    return thread.predicate;
}

extern "C" uint64_t simt_warp(WarpOp op, int line, unsigned mask, uint64_t value, int source) {
    const int t = s.current;
    Thread& thread = s.threads[t];
    s.states[t] = State::InWarp;
    ++s.in_warps;
    thread.op = op;
    thread.line = line;
    thread.mask = mask;
    thread.value = value;
    thread.source = source;
    if (!(mask >> (t & 31) & 1)) divergence("a lane calls a warp operation whose mask leaves it out", t);
    release_warp(t);
    park();
    return thread.value;
}

extern "C" unsigned simt_lane() { return static_cast<unsigned>(s.current & 31); }

// The lanes of the warp that have not ended; a thread that has not begun will come by here too.
extern "C" unsigned simt_live_mask() {
    const int first = s.current & ~31;
    unsigned mask = 0;
    for (int lane = 0; lane < 32 && first + lane < s.count; ++lane)
        if (s.states[first + lane] != State::Exited) mask |= 1u << lane;
    return mask;
}

// A GPU runs the lanes of a branch together. Here they come one by one, so the first wait for the others: until no
// thread of the block can go on otherwise.
extern "C" unsigned simt_active_mask(int line) {
    Thread& thread = s.threads[s.current];
    s.states[s.current] = State::Gathering;
    ++s.gathering;
    thread.line = line;
    park();
    return thread.mask;
}

}  // namespace simt
