"""From PyTorch tasks to an evaluated model that writes CUDA kernels."""
