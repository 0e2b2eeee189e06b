//! The CUDA backend without a GPU: its errors if CUDA is missing, and everything else on stand-ins for NVIDIA's driver
//! and libraries (`tests/cuda_stand_ins`). The stand-ins check every argument and buffer, run the project's own kernels
//! as C++, and fail on demand.
//!
//! The loader must find a stand-in before a program starts. So each of those tests runs in its own process: this
//! program again, with `LD_LIBRARY_PATH` set. Without a C++ compiler they are skipped with a message.

#[path = "../common/mod.rs"]
mod common;

mod absent;
mod child;
mod child_fourier;
mod faults;
mod fourier;
mod shapes;
mod stand_in;
