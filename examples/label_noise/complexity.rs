//! Where the effective model complexity reaches the number of samples.

use super::Cli;
use crate::common::images::Images;
use crate::common::save_table;
use double_descent::Error;
use double_descent::complexity::{LinearModel, Search};
use double_descent::filter::MinNorm;
use double_descent::sweep::Sweep;
use std::path::Path;
use std::sync::Arc;

/// For each level of noise the smallest p of the study whose effective complexity is n or more. `None` if no p has it.
pub fn reached(cli: &Cli, sweep: &Sweep, images: &Images) -> Result<Vec<Option<usize>>, Error> {
    let (n, seed) = (usize::from(cli.samples), cli.run.seed);
    let pool = images.train.subset(images.train.len().min(4 * n), seed)?;
    let largest = Some((2 * n).min(pool.len()));
    let search = Search { largest, threads: cli.run.threads, ..Search::new(cli.epsilon, 3, seed) };
    let map = sweep.maps.of(0)?.ok_or(Error::Empty { what: "the feature map" })?;
    let most = sweep.features.iter().copied().max().unwrap_or(1);
    let of_level = |&share: &f64| {
        let targets = pool.with_label_noise(share, seed)?.one_hot()?;
        let model = |p: usize| LinearModel::new(map.clone(), p, Arc::new(MinNorm::default()));
        search.first_to_reach(n, most, model, pool.inputs()?, &targets)
    };
    cli.label_noise.iter().map(of_level).collect()
}

/// `noise,n,epsilon,smallest_p_of_complexity_n,rows_left`.
pub fn save(cli: &Cli, reached: &[Option<usize>], path: &Path) -> Result<(), Error> {
    let row = |(noise, p): (&f64, &Option<usize>)| {
        let p = p.map_or(String::new(), |p| p.to_string());
        vec![noise.to_string(), usize::from(cli.samples).to_string(), cli.epsilon.to_string(), p]
    };
    let header = ["noise", "n", "epsilon", "smallest_p_of_complexity_n"];
    save_table(path, &header, cli.label_noise.iter().zip(reached).map(row).collect())
}
