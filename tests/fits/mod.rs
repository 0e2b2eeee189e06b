//! Tests of single fits: filters, paths, risks, ensembles, and what is measured at a fit.

mod bayes;
mod best_regularisation;
mod complexity;
mod complexity_measures;
mod decomposition;
mod diagnosis;
mod ensemble;
mod filters;
mod flatness;
mod flows;
mod identities;
mod interpolants;
mod many_penalties;
mod path;
mod population_risk;
mod ridge_residuals;
mod sgd;
mod time_filters;
