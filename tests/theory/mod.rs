//! The formulas of `theory`.

mod anywhere;
mod flow;
mod formulas;
mod monte_carlo;
mod reference;
