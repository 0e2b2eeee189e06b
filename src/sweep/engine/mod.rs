//! Engines: different ways to compute the same sweep.
//!
//! | engine | scope of one factorisation | what it cannot do |
//! |---|---|---|
//! | `Cells` | each cell, by an SVD | nothing |
//! | `Rows` | all n at one p | ablations, adversaries, filters other than ridge, preparation of each cell |
//! | `Columns` | all p at one n | ablations, adversaries, filters other than ridge |
//! | `Plane` | all n and p, from two | ablations, adversaries, preparation, tables without separate test rows |
//! | `Device` | each cell, on the device that makes the features | anything but filters on random Fourier features |
//! | `Members` | each cell and ensemble member, by an SVD | anything but ensembles |

mod by_svd;
mod cells;
mod choice;
mod columns;
mod device;
mod interface;
mod members;
mod obstacles;
mod plane;
mod raw;
mod repeats;
mod rows;
mod warm;

use by_svd::cell_by_svd;
pub(super) use choice::choose;
pub(super) use interface::{Engine, Prospects, Repeats, Which};
use obstacles::{cell_by_cell, column_by_column, points_obstacle, size_by_size, spectrum_obstacle};
pub(super) use raw::Raw;
use repeats::{each_curve, each_repeat, in_halves, in_order};
