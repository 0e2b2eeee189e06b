//! Any features have the peak of double descent. This study shows the error that label noise adds to minimum-norm
//! least squares, over the number of samples and over the number of features, for Gaussian features, the
//! sphere, random networks, Fourier and polynomial features, against a lower bound that holds for all
//! (Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021).
//!
//! No noise is drawn: given the training features, the noise term is `tr((X⁺)ᵀ Σ X⁺)`, which the nested engine computes
//! for all n, or all p, of eight repeats at once. Most of the time goes into Σ: for a random network it is estimated
//! from 10,000 draws, anew in each repeat.
//!
//! Run: `cargo run --release --example universality`. Finished repeats are kept in OUT/universality/*.values: a
//! stopped run resumes where it was, and one with more repeats adds to them.

mod figures;

use crate::common::feature_laws::{self, Law};
use crate::common::flags::{Count, Failure, Names, Positive, Program, flags};
use crate::common::inputs::split_lists;
use crate::common::shards::{self, ShardArgs};
use crate::common::{PrintArgs, Statistic, chosen, closing, save_table, say};
use double_descent::sweep::{Identity, NoiseSummary, NoiseTerms, Workload};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

flags! {
    /// The noise term of minimum-norm least squares over n and over p, for many kinds of features. Writes
    /// OUT/universality/MAP_samples.csv, MAP_features.csv and figures, and keeps finished repeats in MAP.values.
    pub struct Cli {
        /// Feature maps, separated by commas: gaussian, sphere; networks: sigmoid, tanh, gelu, softplus, relu, selu,
        /// elu; fourier, polynomial; tangent features of networks: tangent-sigmoid, … [default: all]
        maps: Vec<String> = Vec::new(), "NAMES";
        /// Number of repeats per feature map
        repeats: usize = 10_000, "N";
        /// Number of draws per repeat for the second moments Σ of a random network
        draws: Positive = Count(10_000), "N";
        /// Number of features in curves over n, and of samples in curves over p; in curves over n, polynomial always has
        /// 35 features and tangent features are 30, which have no curves over p
        fixed: Positive = Count(30), "N";
        /// Largest n or p of the curves, which start at 1
        largest: Positive = Count(256), "N";
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Number of threads; results do not depend on it [default: all]
        threads: Option<usize> = None, "N";
        /// Write tables only, no figures
        no_figures: bool = false, "";
        /// Statistic shown in the figures: means with their standard errors, or medians with quartiles
        statistic: Statistic = Statistic::Mean, "STATISTIC";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..shards: ShardArgs = ShardArgs::default();
        ..print: PrintArgs = PrintArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "universality";
    const NAMES: &'static [Names] =
        &[("maps", || feature_laws::all(0, 1, (1, 1)).into_iter().map(|law| law.name).collect())];

    fn run(&self) -> Result<(), Failure> {
        let sizes = (usize::from(self.fixed), usize::from(self.largest));
        let all = feature_laws::all(self.seed, usize::from(self.draws), sizes);
        let laws = chosen(("maps", "feature map"), &split_lists(&self.maps)?, all, |law| &law.name)?;
        let folder = self.out.join("universality");
        self.shards.make_folder(&folder)?;
        let mut results = Vec::new();
        for law in laws {
            let Some(chunks) = self.chunks(&law, &folder)? else { continue };
            let curves = law.terms.summarise(chunks.values(), self.repeats)?;
            for (over, rows) in [("samples", &curves.0), ("features", &curves.1)] {
                if !rows.is_empty() {
                    let rows = rows.iter().map(NoiseSummary::fields).collect();
                    let path = folder.join(format!("{}_{over}.csv", law.name));
                    save_table(&path, NoiseSummary::COLUMNS, rows)?;
                }
            }
            results.push((law, curves));
        }
        if self.shards.has_results() {
            closing::noise_terms(results.iter().map(|(law, curves)| (law.name.as_str(), curves)));
            say!("written: {}: *_samples.csv, *_features.csv", folder.display());
            if !self.no_figures {
                crate::common::figures::save(&self.print, &folder, figures::all(self, &results))?;
            }
        }
        Ok(())
    }
}

impl Cli {
    /// Computes the missing chunks of repeats, or takes them from shards.
    fn chunks(&self, law: &Law, folder: &Path) -> Result<Option<BTreeMap<usize, Vec<f64>>>, Failure> {
        let (name, terms) = (law.name.as_str(), &law.terms);
        let identity = Identity::new("universality").with("map", name).with("seed", self.seed);
        let counts = [("draws", self.draws), ("fixed", self.fixed), ("largest", self.largest)];
        let with = |identity: Identity, (name, count): (&str, Positive)| identity.with(name, count.0);
        let identity = counts.into_iter().fold(identity, with);
        let place = shards::Place { out: &self.out, folder, name: Some(name) };
        let workload = Workload::equal(self.repeats.div_ceil(NoiseTerms::CHUNK), terms.flops());
        let what = (name, &identity, workload);
        let compute = |chunks: std::ops::Range<usize>| chunks.map(|chunk| terms.compute(chunk)).collect();
        shards::payloads(&self.shards, place, what, self.threads, compute)
    }
}
