//! Data for the studies of random Fourier features: Fashion-MNIST, or inputs with a random teacher.

use super::flags::{Failure, flags, usage};
use super::shards::ShardArgs;
use super::{RunArgs, check_positive, inputs};
use double_descent::Error;
use double_descent::dataset::{Dataset, Labelled};
use double_descent::features::{PairOrder, RandomFourier, StationaryKernel};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Maps, Splits, Sweep};
use double_descent::theory::drawn_features::DrawnFeatures;
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::{Path, PathBuf};

/// The numbers of inputs and of classes of the synthetic data.
const TEACHER: (usize, usize) = (64, 10);

/// Labelled training and test inputs.
pub struct Data {
    pub train: Labelled,
    pub test: Labelled,
    /// Whether there are fewer training images than requested.
    is_short: bool,
}

impl Data {
    /// Checks, before any fit, that there are enough images for the training sets of each flag.
    pub fn check_samples(&self, asked: &[(&str, &[usize])]) -> Result<(), Failure> {
        let rows = self.train.len();
        let raise = if self.is_short { "" } else { ", or raise --pool" };
        for (flag, samples) in asked {
            if let Some(n) = samples.iter().find(|n| **n > rows) {
                return usage(format!(
                    "--{flag} asks for {n} training images, but there are {rows} to draw from: lower --{flag}{raise}"
                ));
            }
        }
        Ok(())
    }
}

flags! {
    /// Flags for the data and their random features.
    pub struct InputArgs {
        /// Folder that contains fashion_mnist/*.gz; without it, normal inputs with the classes of a random network
        /// [default: $DOUBLE_DESCENT_DATA]
        data_dir: Option<PathBuf> = None, "DIR";
        /// Number of training images that training sets are drawn from [default: 20000, or 5000 if a random network
        /// replaces the images]
        pool: Option<usize> = None, "N";
        /// Number of test images [default: 10000, or 5000 if a random network replaces the images]
        test: Option<usize> = None, "N";
        /// Standard deviation of the frequencies, for pixels in [0, 1]
        deviation: f64 = 0.2, "S";
        /// Use [cos, sin] pairs instead of cosines with random phases; p counts columns
        pairs: bool = false, "";
        /// Number of training sets, each with its own feature map
        repeats: usize = 5, "N";
        ..shards: ShardArgs = ShardArgs::default();
    }
}

/// The number of test rows of a sweep.
pub fn tests(sweep: &Sweep) -> usize {
    sweep.source.test().map_or(0, Dataset::len)
}

/// Returns the parts of a caption that the library does not provide.
pub fn describe(sweep: &Sweep) -> String {
    let rows = tests(sweep);
    format!("Targets are one-hot classes; {rows} test rows, with unchanged labels.")
}

impl InputArgs {
    /// Creates the results folder of a study and loads its data.
    pub fn begin(&self, run: &RunArgs, study: &str) -> Result<(PathBuf, Data), Failure> {
        check_positive("deviation", self.deviation)?;
        let (folder, data) = (run.make_folder(study, &self.shards)?, self.data(run.seed)?);
        if self.shards.has_results() {
            super::inputs::claim(&folder, data.train.name())?;
        }
        Ok((folder, data))
    }

    /// Prepares the known test error at `n` rows, before features are drawn, for the first training set.
    pub fn before_features(&self, sweep: &Sweep, n: usize, seed: u64) -> Result<DrawnFeatures, Error> {
        let splits = Splits::Drawn { repeats: 1, seed };
        let first = Sweep { splits, arms: vec![Arm::min_norm()], ..sweep.clone() };
        let draws = first.drawn_features(&self.kernel()?, n, &())?;
        draws.into_iter().next().ok_or(Error::Empty { what: "the list of training sets" })
    }

    /// A sweep without sizes.
    pub fn sweep(
        &self,
        data: &Data,
        largest: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> Result<Sweep, Error> {
        let (train, test) = (data.train.dataset()?, data.test.dataset()?);
        let (inputs, pairs) = (train.features().ncols(), self.pairs);
        let kernel = self.kernel()?;
        let maps = Maps::drawn(move |repeat| {
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(repeat as u64);
            if pairs {
                let half = RandomFourier::new(inputs, largest.div_ceil(2), kernel, seed)?;
                return Ok(half.into_pairs(PairOrder::Interleaved));
            }
            RandomFourier::new(inputs, largest, kernel, seed)
        });
        Ok(Sweep { threads, ..Sweep::plane(train, test, maps, self.repeats, seed) })
    }

    /// A sweep over the given numbers of training rows and features.
    pub fn over(
        &self,
        data: &Data,
        run: &RunArgs,
        (samples, features): (Vec<usize>, Vec<usize>),
    ) -> Result<Sweep, Error> {
        let largest = features.iter().copied().max().unwrap_or(0);
        Ok(Sweep { samples, features, ..self.sweep(data, largest, run.seed, run.threads)? })
    }

    /// The kernel that the features' inner products approach.
    pub fn kernel(&self) -> Result<StationaryKernel, Error> {
        StationaryKernel::gaussian_of_bandwidth(self.deviation.recip())
    }

    /// The images, or the synthetic data in their place.
    pub fn data(&self, seed: u64) -> Result<Data, Failure> {
        Ok(match inputs::data_folder(self.data_dir.as_ref())? {
            Some(folder) => self.images(&folder)?,
            None => self.synthetic(seed)?,
        })
    }

    fn images(&self, folder: &Path) -> Result<Data, Error> {
        let (train, test) = inputs::fashion_mnist(folder)?;
        let (pool, tests) = (self.pool.unwrap_or(20_000), self.test.unwrap_or(10_000));
        for (flag, asked, images) in [("pool", pool, &train), ("test", tests, &test)] {
            if asked > images.len() {
                eprintln!("note: --{flag}: there are {} images, all of which are used", images.len());
            }
        }
        let first = |images: &Labelled, count: usize| images.subset(count.min(images.len()), 0);
        Ok(Data { is_short: pool > train.len(), train: first(&train, pool)?, test: first(&test, tests)? })
    }

    /// Synthetic data: standard normal inputs / √d; the class is the largest of ten outputs of a random network, and a
    /// tenth of the classes are drawn anew.
    fn synthetic(&self, seed: u64) -> Result<Data, Error> {
        let (d, classes) = TEACHER;
        let mut rng = stream(seed, usize::MAX >> 32, 0);
        let mut normal = |rows: usize, columns: usize| {
            Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
        };
        let (hidden, output) = (normal(d, 100), normal(100, classes));
        let mut part = |rows: usize, place: usize| {
            let inputs = normal(rows, d) * (8.0 / (d as f64).sqrt());
            let scores = inputs.dot(&hidden).mapv(f64::tanh).dot(&output);
            let mut noise = stream(seed, usize::MAX >> 32, place);
            let labels = scores.rows().into_iter().map(|row| {
                let largest =
                    row.iter().enumerate().fold(0, |best, (i, v)| if *v > row[best] { i } else { best });
                if noise.random::<f64>() < 0.1 { noise.random_range(0..classes) } else { largest }
            });
            let labels = labels.collect();
            Labelled::new("a random network's classes", inputs, labels, classes)
        };
        let train = part(self.pool.unwrap_or(5000), 1)?;
        Ok(Data { train, test: part(self.test.unwrap_or(5000), 2)?, is_short: false })
    }
}
