//! The tables of a repeat, before any feature map is applied.

use crate::Error;
use crate::features::{Coordinates, FeatureMap};
use crate::sweep::task::Task;
use crate::sweep::{Source, TestOn, gather};
use ndarray::{Array2, CowArray, Ix2, s};
use std::sync::Arc;

/// The raw tables of one repeat.
pub(in crate::sweep) struct Raw<'a> {
    pub(in crate::sweep) map: Arc<dyn FeatureMap>,
    pub(in crate::sweep) inputs: Array2<f64>,
    /// All training targets, side by side.
    pub(in crate::sweep) y: Array2<f64>,
    pub(in crate::sweep) tests: CowArray<'a, f64, Ix2>,
    /// All test targets, side by side.
    pub(in crate::sweep) tests_y: CowArray<'a, f64, Ix2>,
}

impl<'a> Raw<'a> {
    pub(in crate::sweep) fn new(task: &Task<'a>, repeat: usize, order: &[usize]) -> Result<Self, Error> {
        let map = match task.sweep.maps.of(repeat)? {
            Some(map) => map,
            None => Arc::new(Coordinates::new(task.sizes.inputs)),
        };
        let rows = task.sweep.source.train().map_or(order.len(), crate::dataset::Dataset::len);
        let changed = task.changed_targets(repeat, rows)?;
        let targets = &task.targets;
        match &task.sweep.source {
            Source::TrainTest { train, test } => {
                let y = targets.join_trained(train.targets().view(), &changed);
                Ok(Self {
                    map,
                    inputs: gather(train.features().view(), order),
                    y: gather(y.view(), order),
                    tests: CowArray::from(test.features()),
                    tests_y: targets.join_tested(test.targets().view()),
                })
            }
            Source::Drawn(drawn) => {
                let draw = task.drawn(drawn, repeat, (order.len(), task.most_features()))?;
                let TestOn::Rows { inputs: tests, targets: tests_y } = draw.test else {
                    return Err(Error::Empty { what: "the list of test rows" });
                };
                let n = order.len();
                Ok(Self {
                    map,
                    inputs: draw.inputs.slice(s![..n, ..]).to_owned(),
                    y: targets.join_trained(draw.targets.slice(s![..n, ..]), &changed).into_owned(),
                    tests: CowArray::from(tests),
                    tests_y: CowArray::from(targets.join_tested(tests_y.view()).into_owned()),
                })
            }
            Source::Table(_) => Err(Error::Empty { what: "the list of test rows" }),
        }
    }
}
