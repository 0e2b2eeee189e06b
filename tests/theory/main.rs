//! The formulas of `theory`.

mod flow;
mod formulas;
mod monte_carlo;
mod reference;
