// What each lane of a completed warp operation receives.
#include <string.h>
#include "scheduler.h"

namespace simt {

static uint32_t combine(WarpOp op, uint32_t a, uint32_t b) {
    const auto sa = static_cast<int32_t>(a), sb = static_cast<int32_t>(b);
    switch (op) {
        case WarpOp::Add: return a + b;
        case WarpOp::Min: return sa < sb ? a : b;
        case WarpOp::Max: return sa > sb ? a : b;
        case WarpOp::UMin: return a < b ? a : b;
        case WarpOp::UMax: return a > b ? a : b;
        case WarpOp::And: return a & b;
        case WarpOp::Or: return a | b;
        default: return a ^ b;
    }
}

static uint64_t shuffled(unsigned group, const uint64_t* values, int source) {
    if (group >> source & 1) return values[source];
    uint64_t undefined;  // PTX: reading from an inactive lane
    poison_scratch(&undefined, sizeof undefined);
    return undefined;
}

static uint64_t lanes_where_equal(unsigned group, const uint64_t* values, uint64_t value) {
    uint64_t lanes = 0;
    for (int i = 0; i < 32; ++i)
        if ((group >> i & 1) && values[i] == value) lanes |= uint64_t(1) << i;
    return lanes;
}

void warp_results(WarpOp op, unsigned group, const uint64_t* values, const int* sources, uint64_t* results) {
    uint64_t common = 0;
    if (op == WarpOp::Ballot) {
        common = lanes_where_equal(group, values, 1);
    } else if (op >= WarpOp::Add) {
        const int first = __builtin_ctz(group);
        auto total = static_cast<uint32_t>(values[first]);
        for (int i = first + 1; i < 32; ++i)
            if (group >> i & 1) total = combine(op, total, static_cast<uint32_t>(values[i]));
        common = total;
    }
    for (int i = 0; i < 32; ++i) {
        if (!(group >> i & 1)) continue;
        if (op == WarpOp::Shuffle) results[i] = shuffled(group, values, sources[i]);
        else if (op == WarpOp::Match) results[i] = lanes_where_equal(group, values, values[i]);
        else results[i] = common;
    }
}

}  // namespace simt
