//! `cargo run --release --example theory`; what it shows stands in mod.rs.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod theory;

fn main() -> std::process::ExitCode {
    common::main::<theory::Cli>()
}
