//! What one fit says of itself: how complex it is, what evidence its data give, how flat its minimum is, what is wrong
//! with it.

pub mod bayes;
pub mod complexity;
pub mod diagnosis;
pub mod flatness;
