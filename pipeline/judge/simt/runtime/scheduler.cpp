// Runs the threads of one block on fibers.
//
// A fiber takes the next thread that has not begun, runs it to its end and takes another, so a kernel without barriers
// is a plain loop. Where a thread has to wait, its fiber is parked with it and another fiber goes on.
#include "block.h"
#include "instrument.h"

namespace simt {

Scheduler s;

bool in_kernel() { return s.active; }
const LaunchConfig* current_launch() { return s.active ? s.config : nullptr; }

bool in_fiber_stack_guard(const void* address) {
    auto at = static_cast<const char*>(address);
    for (int i = 0; i < s.fiber_count; ++i)
        if (at >= s.fibers[i].stack && at < s.fibers[i].stack + kStackGuard) return true;
    return false;
}

bool on_running_stack(const void* address) {
    return static_cast<size_t>(static_cast<const char*>(address) - s.running->stack) < kStackGuard + s.running->bytes;
}

int current_thread() { return s.block->current; }
uint3 thread_index(int thread) { return s.indices[thread]; }

// Makes the next ready thread the current one; returns its fiber, to switch to.
__attribute__((always_inline)) static inline Fiber* next_ready() {
    Block& b = *s.block;
    const int t = b.ready[b.ready_head];
    b.ready_head = unsigned(b.ready_head + 1) % kMaxThreads;
    --b.ready_count;
    continue_thread(t);
    return b.threads[t].fiber;
}

void divergence(const char* detail, int t) {
    continue_thread(t);
    device_abort(make_fault("divergent_barrier", detail, s.block->threads[t].line));
}

// All live threads wait for the block, or for the grid: each goes on, in order.
static void release(State waits) {
    Block& b = *s.block;
    int line = 0, sum = 0, all = 1;
    for (int i = 0; i < s.count; ++i) {
        const Thread& thread = b.threads[b.order[i]];
        if (b.states[b.order[i]] != waits) continue;
        if (line && thread.line != line) divergence("the block's threads wait at different barriers", b.order[i]);
        line = thread.line;
        sum += thread.predicate & 1;
        all &= thread.predicate & 1;
    }
    for (int i = 0; i < s.count; ++i) {
        Thread& thread = b.threads[b.order[i]];
        if (b.states[b.order[i]] != waits) continue;
        const char op = static_cast<char>(thread.predicate >> 8);
        thread.predicate = op == '+' ? sum : op == '&' ? all : sum != 0;
        push_ready(b.order[i]);
    }
    (waits == State::AtGrid ? b.at_grid : b.waiting) = 0;
    if (instrumented) order_barrier();
}

static void thread_exited() {
    Block& b = *s.block;
    b.states[b.current] = State::Exited;
    --b.alive;
    if (b.alive && b.waiting == b.alive) release(State::AtBarrier);
    if (b.in_warps) lane_exited(b.current);
}

static void fiber_entry();

// False if the process may have no more memory. Those of a cooperative launch, after the first block's, have less room.
static bool add_fiber() {
    if (s.fiber_count == kMaxFibers) return false;
    Fiber* fiber = &s.fibers[s.fiber_count];
    if (!fiber->create(s.fiber_count <= kMaxThreads ? kStackBytes : kSmallStackBytes)) return false;
    fiber->prepare(fiber_entry);
    s.idle[s.idle_count++] = fiber;
    ++s.fiber_count;
    return true;
}

bool reserve_fibers(uint64_t count) {
    while (static_cast<uint64_t>(s.fiber_count) < count)
        if (!add_fiber()) return false;
    return true;
}

static Fiber* take_idle_fiber() {
    if (!s.idle_count && !add_fiber()) device_abort(make_fault("unsupported", "no memory for so many threads", 0));
    return s.idle[--s.idle_count];
}

// No thread of the block can go on, and not all that live wait for the grid.
[[noreturn]] static void deadlock() {
    const Block& b = *s.block;
    for (int i = 0; i < s.count; ++i)
        if (b.states[i] == State::InWarp)
            divergence("a warp operation waits for lanes of its mask that never reach it", i);
    for (int i = 0;; ++i)
        if (b.states[i] == State::AtBarrier) divergence("the block waits for threads that never arrive", i);
}

// Ends the turn of a block none of whose threads can go on before all blocks have come as far, or which has ended.
static void end_turn(Fiber* self) {
    if (s.block->at_grid != s.block->alive) deadlock();
    simt_switch(&self->context, &s.host);
}

void park() {
    Block& b = *s.block;
    Fiber* self = s.running;
    b.threads[b.current].fiber = self;
    Fiber* next;
    if (!b.ready_count && b.started < s.count) next = take_idle_fiber();
    else if (b.ready_count || release_gathering()) next = next_ready();
    else return end_turn(self);
    if (next == self) return;
    s.running = next;
    simt_switch(&self->context, &next->context);
}

static void fiber_entry() {
    for (;;) {
        Block& b = *s.block;
        while (b.started < s.count) {
            continue_thread(b.order[b.started++]);
            if (instrumented) instrument_thread_begins();
            s.body(s.arguments);
            thread_exited();
            if (b.ready_count) break;
        }
        Fiber* self = s.running;
        s.idle[s.idle_count++] = self;
        if (b.ready_count || release_gathering()) {
            s.running = next_ready();
            simt_switch(&self->context, &s.running->context);
        } else {
            end_turn(self);
        }
    }
}

void leave_kernel() {
    Context nowhere;
    simt_switch(&nowhere, &s.host);
    __builtin_unreachable();
}

void forget_fibers() {
    s.idle_count = 0;
    while (s.fiber_count > kMaxThreads + 1) s.fibers[--s.fiber_count].destroy();
    for (int i = 0; i < s.fiber_count; ++i) {
        s.fibers[i].prepare(fiber_entry);
        s.idle[s.idle_count++] = &s.fibers[i];
    }
}

void run_threads(bool begin) {
    if (begin) {
        s.running = take_idle_fiber();
    } else {
        release(State::AtGrid);
        s.running = next_ready();
    }
    simt_switch(&s.host, &s.running->context);
}

extern "C" int simt_block_barrier(int line, char op, int predicate) {
    Block& b = *s.block;
    Thread& thread = b.threads[b.current];
    b.states[b.current] = State::AtBarrier;
    thread.line = line;
    thread.predicate = op << 8 | predicate;
    if (++b.waiting == b.alive) release(State::AtBarrier);
    park();
    return thread.predicate;
}

extern "C" bool simt_launched_together() { return s.config->cooperative; }

extern "C" void simt_grid_barrier(int line) {
    if (!s.config->cooperative)
        simt_device_fail("illegal_instruction", "grid.sync() in a kernel that was not launched with "
                         "cudaLaunchCooperativeKernel", line);
    Block& b = *s.block;
    b.states[b.current] = State::AtGrid;
    b.threads[b.current].line = line;
    ++b.at_grid;
    park();
}

}  // namespace simt
