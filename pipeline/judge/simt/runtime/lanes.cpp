// Warp operations: lanes wait for one another.
#include "block.h"
#include "instrument.h"

namespace simt {

static bool on_its_way(State state) { return state != State::InWarp && state != State::Exited; }

// Lets the lanes of one warp go on whose operation is complete: every live lane of its mask waits in the same one.
static void release_warp(int t) {
    Block& b = *s.block;
    const int first = t & ~31, lanes = s.count - first < 32 ? s.count - first : 32;
    const Thread& asked = b.threads[t];
    const unsigned named = lanes == 32 ? asked.mask : asked.mask & ((1u << lanes) - 1);
    if (!named) return;
    // The last lane to come is mostly the first or the last of them.
    if (on_its_way(b.states[first + 31 - __builtin_clz(named)]) || on_its_way(b.states[first + __builtin_ctz(named)]))
        return;
    unsigned group = 0;
    for (int lane = 0; lane < lanes; ++lane) {
        const Thread& other = b.threads[first + lane];
        const State state = b.states[first + lane];
        if (!(asked.mask >> lane & 1) || state == State::Exited) continue;
        if (state != State::InWarp || other.line != asked.line || other.op != asked.op || other.mask != asked.mask)
            return;
        group |= 1u << lane;
    }
    uint64_t values[32] = {}, results[32];
    int sources[32] = {};
    for (int lane = 0; lane < lanes; ++lane) {
        values[lane] = b.threads[first + lane].value;
        sources[lane] = b.threads[first + lane].source;
    }
    warp_results(asked.op, group, values, sources, results);
    for (int i = 0; i < lanes; ++i) {
        const int lane = thread_order() == Order::Forward ? i : lanes - 1 - i;
        if (!(group >> lane & 1)) continue;
        b.threads[first + lane].value = results[lane];
        push_ready(first + lane);
    }
    b.in_warps -= __builtin_popcount(group);
    if (instrumented) order_warp(first, group);
}

void lane_exited(int t) {
    const Block& b = *s.block;
    const int first = t & ~31;
    for (int other = first; other < first + 32 && other < s.count; ++other)
        if (b.states[other] == State::InWarp && b.threads[other].mask >> (t & 31) & 1) release_warp(other);
}

// Lets the lanes go on that wait in __activemask(), those of a warp and a line as one group; false if there are none.
bool release_gathering() {
    Block& b = *s.block;
    if (!b.gathering) return false;
    for (int t = 0; t < s.count; ++t) {
        if (b.states[t] != State::Gathering) continue;
        unsigned group = 0;
        const int first = t & ~31;
        for (int i = t; i < first + 32 && i < s.count; ++i)
            if (b.states[i] == State::Gathering && b.threads[i].line == b.threads[t].line) group |= 1u << (i & 31);
        for (int i = t; i < first + 32 && i < s.count; ++i) {
            if (!(group >> (i & 31) & 1)) continue;
            b.threads[i].mask = group;
            push_ready(i);
        }
    }
    b.gathering = 0;
    return true;
}

extern "C" uint64_t simt_warp(WarpOp op, int line, unsigned mask, uint64_t value, int source) {
    Block& b = *s.block;
    const int t = b.current;
    Thread& thread = b.threads[t];
    b.states[t] = State::InWarp;
    ++b.in_warps;
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

extern "C" unsigned simt_lane() { return static_cast<unsigned>(s.block->current & 31); }

// The lanes of the warp that have not ended; a thread that has not begun will come by here too.
extern "C" unsigned simt_live_mask() {
    const int first = s.block->current & ~31;
    unsigned mask = 0;
    for (int lane = 0; lane < 32 && first + lane < s.count; ++lane)
        if (s.block->states[first + lane] != State::Exited) mask |= 1u << lane;
    return mask;
}

// A GPU runs the lanes of a branch together. Here they come one by one, so the first wait for the others: until no
// thread of the block can go on otherwise.
extern "C" unsigned simt_active_mask(int line) {
    Block& b = *s.block;
    Thread& thread = b.threads[b.current];
    b.states[b.current] = State::Gathering;
    ++b.gathering;
    thread.line = line;
    park();
    return thread.mask;
}

}  // namespace simt
