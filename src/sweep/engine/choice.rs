//! Chooses the engine that computes a sweep.

use super::cells::Cells;
use super::columns::Columns;
use super::device::Device;
use super::interface::{Engine, Prospects};
use super::members::Members;
use super::plane::Plane;
use super::rows::Rows;
use crate::Error;
use crate::nested::Engine as Kind;
use crate::sweep::Source;
use crate::sweep::many::together;
use crate::sweep::task::Task;

/// An engine by name. The choice only needs [`Prospects`], so a test of the choice compiles no engine.
#[derive(Clone, Copy, Debug)]
pub(in crate::sweep) enum Choice {
    Cells,
    Rows,
    Columns,
    Plane,
    Device,
    Members,
}

impl Choice {
    pub(in crate::sweep) fn prospects(self) -> &'static dyn Prospects {
        match self {
            Self::Cells => &Cells,
            Self::Rows => &Rows,
            Self::Columns => &Columns,
            Self::Plane => &Plane,
            Self::Device => &Device,
            Self::Members => &Members,
        }
    }

    pub(in crate::sweep) fn engine(self) -> &'static dyn Engine {
        match self {
            Self::Cells => &Cells,
            Self::Rows => &Rows,
            Self::Columns => &Columns,
            Self::Plane => &Plane,
            Self::Device => &Device,
            Self::Members => &Members,
        }
    }
}

/// Chooses the engine for a sweep.
///
/// The order is: the kind of engine that the sweep asks for; the backend's device, if it has one that can compute the
/// sweep; the cheapest nested engine that can; one SVD per cell. An SVD per cell is also chosen if it is cheaper: for
/// many values of a penalty, or for small cells whose smallest singular value is wanted.
pub(in crate::sweep) fn choose(task: &Task<'_>) -> Result<Choice, Error> {
    const NESTED: [Choice; 3] = [Choice::Rows, Choice::Columns, Choice::Plane];
    let sweep = task.sweep;
    let alone: Option<(Choice, &str)> = if Members.obstacle(task).is_none() {
        Some((Choice::Members, "members of an ensemble share no factorisation"))
    } else if task.is_cellwise() {
        Some((Choice::Cells, "cells with their own rows or maps share no factorisation"))
    } else {
        None
    };
    match alone {
        Some((_, why)) if sweep.engine == Some(Kind::Nested) => {
            let reason = format!("{why}, so the nested engine cannot be used; let the sweep choose");
            return Err(Error::Unsupported { reason });
        }
        Some((choice, _)) => return Ok(choice),
        None => {}
    }
    // If a backend has a device, the caller chose it for that.
    if sweep.engine != Some(Kind::Nested) && Device.obstacle(task).is_none() {
        return Ok(Choice::Device);
    }
    // Cells of a single table are small, and an SVD of each gives its smallest singular value at lower cost.
    let small = sweep.maps.is_none() && sweep.source.test().is_none() && sweep.features.is_empty();
    let by_cells = small && task.wanted.smallest;
    if sweep.engine == Some(Kind::Svd) || sweep.engine.is_none() && by_cells {
        return Ok(Choice::Cells);
    }
    let able = NESTED.into_iter().filter(|choice| choice.prospects().obstacle(task).is_none());
    // With drawn rows, each repeat has its own tables, and compressing them takes a factorisation.
    let (tests, p) = (task.sizes.tests as f64, task.most_features() as f64);
    let drawn = matches!(sweep.source, Source::Drawn(_));
    let tables = |engine: &dyn Prospects| {
        if drawn && engine.needs_tables() { 2.0 * tests * p * tests.min(p) } else { 0.0 }
    };
    let cost = |engine: &dyn Prospects| engine.flops(task) + tables(engine);
    let cheapest = able.min_by(|a, b| cost(a.prospects()).total_cmp(&cost(b.prospects())));
    // For many penalties, the nested engines would grow a curve for each value, while one SVD per cell serves all.
    let many = together(&task.lines, &task.wanted).contains(&true);
    match (cheapest, sweep.engine) {
        (Some(choice), None) if many && cost(&Cells) < cost(choice.prospects()) => Ok(Choice::Cells),
        (Some(choice), _) => Ok(choice),
        (None, None) => Ok(Choice::Cells),
        (None, Some(_)) => {
            let first = if task.features.len() == 1 { NESTED[0] } else { NESTED[1] };
            let why = first.prospects().obstacle(task).unwrap_or_default();
            let reason = format!("{why}, so the nested engine cannot be used; let the sweep choose");
            Err(Error::Unsupported { reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::features::RandomFourier;
    use crate::sweep::{Maps, Sweep};
    use ndarray::Array2;

    /// Cases far from break-even, each timed with both engines: the other one takes at least three times as long.
    #[test]
    fn the_cheapest_engine_is_chosen_by_the_sizes() {
        let chosen = |samples: &[usize], features: Vec<usize>, tests: usize| {
            let data = |rows| Dataset::new("drawn", Array2::zeros((rows, 1)), Array2::zeros((rows, 1)));
            let (n, p) =
                (samples.iter().max().copied().unwrap_or(1), features.iter().max().copied().unwrap_or(1));
            let map = RandomFourier::gaussian(1, p, 1.0, 0).unwrap();
            let (train, test) = (data(n).unwrap(), data(tests).unwrap());
            let sweep = Sweep {
                samples: samples.to_vec(),
                features,
                ..Sweep::plane(train, test, Maps::same(map), 1, 0)
            };
            format!("{:?}", choose(&Task::new(&sweep).unwrap()).unwrap())
        };
        let steps = |step: usize, p: usize| (step..=p).step_by(step).collect::<Vec<_>>();
        assert_eq!(chosen(&[5000], steps(500, 20_000), 10_000), "Plane");
        assert_eq!(chosen(&[1000], steps(250, 5000), 1000), "Plane");
        assert_eq!(chosen(&steps(200, 4000), steps(200, 4000), 10_000), "Plane");
        assert_eq!(chosen(&[150, 300], steps(1, 1500), 1000), "Columns");
        assert_eq!(chosen(&[1000], steps(1, 5000), 1000), "Columns");
        assert_eq!(chosen(&steps(1, 4000), vec![1000], 1000), "Rows");
    }
}
