// Between the scheduler and the launch code.
#pragma once
#include "state.h"

namespace simt {

enum class Order : int { Forward, Reverse, Random };
void set_order(Order order, uint64_t seed);
// Whether all blocks of a cooperative launch can be there at once: on no GPU, not here, or here too.
enum class Residence { TooLarge, Beyond, Fits };
Residence residence(const LaunchConfig& config);
bool reserve_fibers(uint64_t count);
void run_grid(const LaunchConfig& config, KernelBody body, void* arguments);
// Storage of what device code sees as constants.
extern uint3 thread_index_storage __asm__("simt_thread_index");
void set_block_index(uint3 index);
void warp_results(WarpOp op, unsigned group, const uint64_t* values, const int* sources, uint64_t* results);

}  // namespace simt
