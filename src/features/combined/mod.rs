//! Maps built from other maps.

mod direct_sum;
mod pipeline;
mod selection;
mod standardised;
mod with_intercept;

pub use direct_sum::DirectSum;
pub use pipeline::Pipeline;
pub use selection::Selection;
pub use standardised::Standardised;
pub use with_intercept::WithIntercept;

/// Returns the seed of some maps, if all that have one have the same.
fn common_seed(seeds: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    let mut seeds = seeds.into_iter().flatten();
    let first = seeds.next()?;
    seeds.all(|seed| seed == first).then_some(first)
}
