//! The cost of a whole curve of minimum-norm fits, every n from 1 to 4p or every p from 1 to 4n, test errors included,
//! against
//!
//! - one thin SVD of the largest problem,
//! - an SVD for every point, by this crate,
//! - `numpy.linalg.lstsq` or an SVD for every point, whichever is faster (`usual`),
//! - the whole curve in numpy and BLAS (`strong`): one QR and a running sum up to the threshold (also timed alone), and
//!   from there on an inverse updated by rank-one steps. It detects no rank deficiency and has no error bound.
//!
//! The per-point methods are timed at a few points, and the sum over all points is interpolated by power laws. Ours
//! includes the compression of the test rows. CPU seconds, one thread on every side; the peer's start-up does not
//! count. The test errors of all sides are compared.
//!
//! Run: `PYTHON=<python with numpy> cargo bench --bench whole_curve`; add `-- --quick` for small sizes only, `--
//! --growth` to see only how times grow from 500 to 2000.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "whole_curve/curves.rs"]
mod curves;
#[cfg(unix)]
#[path = "whole_curve/growth.rs"]
mod growth;
#[cfg(unix)]
#[path = "whole_curve/numpy.rs"]
mod numpy;
#[cfg(unix)]
#[path = "whole_curve/python.rs"]
mod python;
#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
mod timing;

#[cfg(unix)]
fn main() {
    use curves::{Axis, Curve};

    if std::env::args().any(|argument| argument == "--growth") {
        return growth::report();
    }
    let quick = std::env::args().any(|argument| argument == "--quick");
    let sizes: [usize; 3] = if quick { [20, 40, 80] } else { [100, 300, 1000] };
    let peer = numpy::Numpy::find(sizes[1]);
    for axis in [Axis::Samples, Axis::Features] {
        let (name, fixed, along) = (axis.name(), axis.fixed(), axis.along());
        let times = sizes.map(|size| {
            let curve = Curve::new(axis, size, 4 * size);
            report(&curve, peer.as_ref(), size == sizes[2])
        });
        let (exponent, last) = (timing::exponent(&sizes, &times), timing::exponent(&sizes[1..], &times[1..]));
        println!(
            "growth of {name}: {fixed}^{exponent:.2} with {along} up to 4{fixed} (3 expected), {last:.2} from \
             {fixed} = {}",
            sizes[1]
        );
        let lengths = [4, 8, 16].map(|times| times * sizes[1]);
        let times = lengths.map(|length| Curve::new(axis, sizes[1], length).without_compression());
        let exponent = timing::exponent(&lengths, &times);
        println!("growth of {name}: {along}^{exponent:.2} at {fixed} = {} (1 expected)\n", sizes[1]);
    }
    if !quick {
        growth::report();
    }
}

/// Times one curve on all sides and prints the results; returns our time without the compression.
#[cfg(unix)]
fn report(curve: &curves::Curve, peer: Option<&numpy::Numpy>, is_largest: bool) -> f64 {
    let (name, fixed, along) = (curve.axis.name(), curve.axis.fixed(), curve.axis.along());
    let ratio = |against: &str, peer: f64, ours: timing::Time| {
        if is_largest {
            let (size, ratio, runs) = (curve.fixed, peer / ours.median, ours.runs);
            println!(
                "RATIO {name}_{fixed}{size}_vs_{against} {ratio:.2} (ours {:.4}, peer {peer:.4}, median of {runs})",
                ours.median
            );
        }
    };
    let places = curve.places();
    let (points, ours) = curve.whole();
    let compression = curve.compression().1.median;
    println!("{name}, {fixed} = {}, every {along} from 1 to {}", curve.fixed, curve.length);
    println!("  the whole curve {:.4} s, {compression:.4} s of it the test rows' compression", ours.median);
    let one = curve.one_svd().median;
    println!("  one SVD of the largest problem {one:.4} s: the curve costs {:.2} SVDs", ours.median / one);
    ratio("one_svd", one, ours);
    let interpolated = format!("({} points timed, the sum over all interpolated)", places.len());
    let each = timing::sum(&curve.svd_of_points(&places, &points), curve.length);
    println!("  an SVD a point {each:.3} s, {:.0} times as much {interpolated}", each / ours.median);
    if let Some(peer) = peer {
        let (timed, ways) = peer.points(curve, &places, &points);
        let each = timing::sum(&timed, curve.length);
        println!(
            "  numpy a point {each:.3} s, {:.0} times as much {interpolated}, {ways}",
            each / ours.median
        );
        ratio("usual", each, ours);
        if let Some([whole, half]) = peer.whole(curve, &places, &points) {
            ratio("strong", whole, ours);
            let ours = curve.half();
            println!("  up to the threshold {:.4} s, numpy {half:.4} s", ours.median);
            if is_largest {
                let (size, ratio) = (curve.fixed, half / ours.median);
                println!("RATIO {name}_{fixed}{size}_half_vs_strong {ratio:.2}");
            }
        }
    }
    ours.median - compression
}
