//! Every test but those of the SVD backends and of CUDA, which run with several sets of features. They are one program:
//! each program compiles what the tests share, and the library's generic code, once more.

mod common;

mod features;
mod fits;
mod nested;
mod processes;
mod sweeps;
mod tables;
mod theory;
