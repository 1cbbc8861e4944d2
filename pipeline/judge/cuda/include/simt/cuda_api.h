// In place of simt's emulation: CUDA's own runtime interface. (cudaError, the type behind cudaError_t, is
// named here because it is part of our functions' symbols, of which a candidate may use those that headers name.)
#pragma once
#include <cuda_runtime.h>
