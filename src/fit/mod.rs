//! What one fit alone can tell: its complexity, the evidence of its data, the flatness of its minimum, and a diagnosis.

pub mod bayes;
pub mod complexity;
pub mod diagnosis;
pub mod flatness;
