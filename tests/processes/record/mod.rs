//! Records of sweeps. Whatever stops a run or damages its file, the result is bitwise that of one run, or an error says
//! what to do.

mod child;
mod clocks;
mod crossed;
mod damage;
mod failures;
mod folders;
mod others;
mod parts;
mod shards;
mod stopped;
mod studies;
mod writers;
