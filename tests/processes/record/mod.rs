//! Records of sweeps: whatever stops a run, and whatever befalls its file, the result has the bytes of one run, or there is
//! an error that says what to do.

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
