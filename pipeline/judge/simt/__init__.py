"""Runs CUDA C++ on a CPU: translate to C++, build against a look-alike of torch's headers, call through ctypes."""
