//! `cargo run --release --example more_data`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod more_data;

fn main() -> std::process::ExitCode {
    common::main::<more_data::Cli>()
}
