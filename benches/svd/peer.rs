//! The peers, each a separate process: Python, and this program again with ndarray-linalg.

use crate::python;
#[cfg(feature = "lapack")]
use std::process::Command;

/// The argument that makes this program a peer; the folder of matrices follows it.
#[cfg(feature = "lapack")]
pub const AS_PEER: &str = "--as-peer";

/// A program and the `OpenBLAS` core type that makes it fastest.
pub struct Peer {
    program: Program,
    core_type: Option<&'static str>,
}

enum Program {
    Python(String),
    #[cfg(feature = "lapack")]
    NdarrayLinalg,
}

/// A peer's result for one case.
pub struct Row {
    pub case: String,
    pub way: String,
    pub seconds: f64,
    pub sum: f64,
}

/// Returns all peers that this machine can run, each with the core type that minimises the product of its times, so
/// that every case counts alike.
pub fn all(folder: &str) -> Vec<Peer> {
    let programs = python::with_numpy().into_iter().map(Program::Python);
    #[cfg(feature = "lapack")]
    let programs = programs.chain([Program::NdarrayLinalg]);
    #[cfg(not(feature = "lapack"))]
    println!("SKIPPED ndarray-linalg: not built with the feature openblas-system");
    let fastest = |program: Program| {
        let core_type = python::fastest_core_type(program.name(), |core_type| {
            Some(program.run(core_type, folder)?.iter().map(|row| row.seconds.ln()).sum())
        });
        Peer { program, core_type }
    };
    programs.map(fastest).collect()
}

impl Peer {
    /// Runs the peer and returns a row for each case.
    pub fn run(&self, folder: &str) -> Vec<Row> {
        self.program.run(self.core_type, folder).expect("the peer runs")
    }
}

impl Program {
    fn name(&self) -> &str {
        match self {
            Self::Python(python) => python,
            #[cfg(feature = "lapack")]
            Self::NdarrayLinalg => "ndarray-linalg",
        }
    }

    /// Runs the program and returns a row for each case, or `None` if the process fails.
    fn run(&self, core_type: Option<&str>, folder: &str) -> Option<Vec<Row>> {
        let text = match self {
            Self::Python(python) => python::run(python, core_type, "svd.py", &[folder])?,
            #[cfg(feature = "lapack")]
            Self::NdarrayLinalg => {
                let mut command = Command::new(std::env::current_exe().ok()?);
                command.args([AS_PEER, folder]);
                python::output(command, core_type)?
            }
        };
        let row = |line: &str| {
            let [case, way, seconds, sum] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
            let (seconds, sum) = (seconds.parse().ok()?, sum.parse().ok()?);
            Some(Row { case: case.into(), way: way.into(), seconds, sum })
        };
        text.lines().map(row).collect()
    }
}

/// Prints, for each file of the folder, the time of ndarray-linalg's divide and conquer, and the sum of singular
/// values.
#[cfg(feature = "lapack")]
pub fn ndarray_linalg(folder: &str) {
    use ndarray::Array2;
    use ndarray_linalg::{JobSvd, SVDDC};

    for file in std::fs::read_dir(folder).expect("the folder of matrices") {
        let path = file.expect("a file of matrices").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let sides: Vec<usize> = name.split('x').map(|side| side.parse().expect("a side")).collect();
        let [n, p, _] = sides[..] else { panic!("{name}: not N x P x COUNT") };
        let bytes = std::fs::read(&path).expect("a file of matrices");
        let number = |word: &[u8]| f64::from_ne_bytes(word.try_into().expect("8 bytes"));
        let matrices: Vec<Array2<f64>> = bytes
            .chunks_exact(8 * n * p)
            .map(|one| one.chunks_exact(8).map(number).collect())
            .map(|entries| Array2::from_shape_vec((n, p), entries).expect("n × p entries"))
            .collect();
        let (sum, time) = crate::timing::time(|| {
            let sum = |x: &Array2<f64>| x.svddc(JobSvd::Some).expect("an SVD").1.sum();
            matrices.iter().map(sum).sum::<f64>()
        });
        println!("{name} ndarray_linalg {} {sum}", time.median);
    }
}
