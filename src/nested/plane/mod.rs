//! The whole n × p plane from two factorisations.

mod cell;
mod factorised;
mod fits;
mod lists;
mod memory;
mod of_rows;
mod request;
mod table;
mod weights;

pub use lists::Plane;
pub use request::{PlaneFit, Request};
