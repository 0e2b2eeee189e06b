//! `cargo run --release --example theory`; see mod.rs for what it shows.

#[path = "../common/mod.rs"]
mod common;
#[path = "mod.rs"]
mod theory;

fn main() -> std::process::ExitCode {
    common::main::<theory::Cli>()
}
