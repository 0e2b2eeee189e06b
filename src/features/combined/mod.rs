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
