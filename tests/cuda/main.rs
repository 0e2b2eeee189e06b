//! The CUDA backend without a GPU: what it says where there is none, and all that it does on stand-ins for NVIDIA's
//! driver and libraries (`tests/cuda_stand_ins`), which check every argument and buffer, run the project's own kernels as
//! C++, and break where they are told to.
//!
//! A stand-in must be found before a program starts, so each of those tests is a process of its own: this program
//! again, with `LD_LIBRARY_PATH` set. Where there is no C++ compiler they are skipped, and say so.

#[path = "../common/mod.rs"]
mod common;

mod absent;
mod child;
mod child_fourier;
mod faults;
mod fourier;
mod shapes;
mod stand_in;
