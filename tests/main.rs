//! The tests that need no feature but the default ones, as one program: each program compiles what the tests share, and
//! the library's generic code, once more. Those of the SVD backends run with several sets of features.

mod common;

mod features;
mod fits;
mod nested;
mod processes;
mod sweeps;
mod tables;
mod theory;
