// Asynchronous copies that threads have asked for and not yet waited for, thread by thread.
#include <deque>
#include <unordered_map>
#include <vector>
#include "block.h"

namespace simt {

struct Pending {
    AsyncCopy copy;
    unsigned batch;
};
struct Queue {
    std::deque<Pending> pending;
    unsigned committed = 0;
};
static std::unordered_map<const Block*, std::vector<Queue>> queues;

// A thread that ends without waiting has copied nothing.
void async_begin_block() {
    if (!queues.empty()) queues.erase(s.block);
}

static Queue& queue() {
    std::vector<Queue>& threads = queues[s.block];
    if (threads.empty()) threads.resize(kMaxThreads);
    return threads[static_cast<size_t>(s.block->current)];
}

extern "C" bool simt_is_shared(const void* address) {
    const Region* region = region_near(address);
    return region && region->shared;
}

extern "C" void simt_async_copy(AsyncCopy copy) {
    Queue& own = queue();
    own.pending.push_back({copy, own.committed});
}

extern "C" void simt_async_commit() { ++queue().committed; }

extern "C" bool simt_async_next(unsigned prior, AsyncCopy* copy) {
    Queue& own = queue();
    if (own.pending.empty() || own.pending.front().batch + prior >= own.committed) return false;
    *copy = own.pending.front().copy;
    own.pending.pop_front();
    return true;
}

}  // namespace simt
