//! `cargo run --release --example splines`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod splines;

fn main() -> std::process::ExitCode {
    common::main::<splines::Cli>()
}
