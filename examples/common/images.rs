//! Images of clothes, or a synthetic teacher in their place.

use super::flags::Failure;
use super::{inputs, say};
use double_descent::Error;
use double_descent::dataset::Labelled;
use double_descent::features::{Activation, FeatureMap, RandomFourier, RandomNetwork};
use double_descent::rng::stream;
use double_descent::sweep::Maps;
use ndarray::{Array2, Axis};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::{Path, PathBuf};

/// Training and test rows, and the kernel parameter that suits them.
pub struct Images {
    pub train: Labelled,
    pub test: Labelled,
    /// γ of the kernel exp(−γ ‖x − x'‖²) that the features approach.
    pub gamma: f64,
    /// A description for captions.
    pub describe: String,
}

impl Images {
    /// Loads Fashion-MNIST from a folder, or else the teacher, whose description says so.
    pub fn load(folder: Option<&PathBuf>, seed: u64) -> Result<Self, Failure> {
        let Some(folder) = inputs::data_folder(folder)? else { return Ok(teacher(seed)?) };
        let (train, test) = inputs::fashion_mnist(&folder)?;
        // The kernel is about ½ at the typical squared distance of two images, 140.
        Ok(Self { train, test, gamma: 0.005, describe: "Fashion-MNIST".into() })
    }

    /// Random Fourier features of that kernel, drawn anew for each repeat.
    pub fn fourier(&self, features: usize, seed: u64) -> Result<Maps, Error> {
        // Of one row, because the inputs of all 60,000 images take 360 MiB.
        let (gamma, inputs) = (self.gamma, self.train.subset(1, 0)?.inputs()?.ncols());
        Ok(Maps::drawn(move |repeat| {
            RandomFourier::gaussian(inputs, features, gamma, stream(seed, 3, repeat).random())
        }))
    }

    /// Prints a description of the data, and records in `folder`, if there are results, that they are of these data.
    pub fn announce(&self, folder: &Path, has_results: bool) -> Result<(), Failure> {
        if has_results {
            inputs::claim(folder, self.train.name())?;
            say!("data: {}", self.describe);
        }
        Ok(())
    }
}

/// Standard normal inputs in 20 dimensions; the label is the largest of five outputs of a random network.
fn teacher(seed: u64) -> Result<Images, Error> {
    const INPUTS: usize = 20;
    const CLASSES: usize = 5;
    let network = RandomNetwork::new(Activation::Tanh, &[INPUTS, 50, CLASSES], &mut stream(seed, 0, 0))?;
    let draw = |rows: usize, place: usize| {
        let mut rng = stream(seed, place, 0);
        let inputs = Array2::from_shape_simple_fn((rows, INPUTS), || rng.sample::<f64, _>(StandardNormal));
        let outputs = network.design(&inputs, CLASSES)?;
        let label = |row: ndarray::ArrayView1<'_, f64>| {
            (0..CLASSES).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0)
        };
        let labels = outputs.map_axis(Axis(1), label).to_vec();
        Labelled::new("synthetic teacher", inputs, labels, CLASSES)
    };
    Ok(Images {
        train: draw(20_000, 1)?,
        test: draw(10_000, 2)?,
        gamma: 0.02,
        describe: format!(
            "a synthetic teacher (no real data): standard normal inputs in {INPUTS} dimensions, labelled by the \
             largest of {CLASSES} outputs of a random network"
        ),
    })
}
