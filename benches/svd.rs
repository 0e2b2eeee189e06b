//! One thin SVD at a time, and a thousand small ones at once, against numpy and scipy with `OpenBLAS`, against AMD's
//! AOCL and Intel's MKL if their wheels are installed, and against ndarray-linalg.
//!
//! Ours includes everything that a caller gets: scaling, factorisation and check. The peers' results are unchecked. CPU
//! seconds, one thread on all sides. Each peer is a separate process at its fastest `OpenBLAS` core type; ours and
//! theirs run in turn, and a peer's start-up does not count. The sums of all singular values are compared. A ratio is
//! the best peer's time over ours.
//!
//! Run: `PYTHON=<python with numpy and scipy> cargo bench --bench svd --features openblas-system`; without the feature
//! there is no ndarray-linalg. Add `-- --quick` for small shapes. With the feature `cuda` and a device, the device is
//! also compared with one CPU thread, in wall-clock seconds.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "svd/cases.rs"]
mod cases;
#[cfg(all(unix, feature = "cuda"))]
#[path = "svd/device.rs"]
mod device;
#[cfg(unix)]
#[path = "svd/peer.rs"]
mod peer;
#[cfg(unix)]
#[path = "whole_curve/python.rs"]
mod python;
#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
#[allow(dead_code)] // shared by several benches
mod timing;

#[cfg(unix)]
fn main() {
    use cases::Case;

    const ROUNDS: usize = 5;

    #[cfg(feature = "lapack")]
    if let Some(folder) = std::env::args().skip_while(|argument| argument != peer::AS_PEER).nth(1) {
        return peer::ndarray_linalg(&folder);
    }
    let quick = std::env::args().any(|argument| argument == "--quick");
    let cases: Vec<Case> = cases::all(quick);
    let folder = python::Folder::new("svd");
    for case in &cases {
        case.write(&folder);
    }
    let peers = peer::all(folder.path());
    let mut times = vec![Vec::new(); cases.len()];
    let mut theirs = vec![vec![Vec::new(); cases.len()]; peers.len()];
    let mut fastest = vec![vec![String::new(); cases.len()]; peers.len()];
    for _ in 0..ROUNDS {
        for (case, times) in cases.iter().zip(&mut times) {
            times.push(case.time());
        }
        for (peer, (theirs, fastest)) in peers.iter().zip(theirs.iter_mut().zip(&mut fastest)) {
            let rows = peer.run(folder.path());
            for (k, case) in cases.iter().enumerate() {
                let row = rows.iter().find(|row| row.case == case.file()).expect("every case");
                let off = (row.sum / case.sum() - 1.0).abs();
                assert!(off < 1e-12, "{}: sums of singular values differ by {off:e}", row.way);
                theirs[k].push(row.seconds);
                fastest[k].clone_from(&row.way);
            }
        }
    }
    for (k, case) in cases.iter().enumerate() {
        let ours = median(&mut times[k]);
        let mut all: Vec<(f64, &str)> = Vec::new();
        for (theirs, fastest) in theirs.iter_mut().zip(&fastest) {
            all.push((median(&mut theirs[k]), &fastest[k]));
        }
        let told: Vec<String> = all.iter().map(|(time, way)| format!("{way} {time:.3e} s")).collect();
        println!("{}: ours {ours:.3e} s, {}", case.name(), told.join(", "));
        if let Some((peer, _)) = all.iter().min_by(|a, b| a.0.total_cmp(&b.0)) {
            let ratio = peer / ours;
            println!(
                "RATIO {}_vs_best {ratio:.2} (ours {ours:.4e}, peer {peer:.4e}, median of {ROUNDS})",
                case.name()
            );
        }
    }
    #[cfg(feature = "cuda")]
    device::compare(&cases);
}

#[cfg(unix)]
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
