//! Effective ranks, and the bounds of benign overfitting on the fixed point itself, with constants.
//!
//! The theorems leave their constants open. For the deterministic equivalent they follow in a few lines. With
//! `T = Σ_{i>k} ℓ` and `k < n`, the fixed point `n = Σ s` gives `T/n − ℓ_{k+1} ≤ κ ≤ T/(n − k)`. For the first `k` with
//! `T ≥ b n ℓ_{k+1}`, all `ℓ_i` with `i ≤ k` are above `T/(bn − 1)`. Hence, with `q = (n − k)/(n − k + bn − 1)` and
//! `u = n/r_k ≤ 1/b`,
//! ```text
//! s ≥ q                  for i ≤ k,        s ≥ (nℓ/T) / (u + n/(n − k))    for i > k
//! κ/(ℓ + κ) ≥ 1 − u      for i > k,        κ²ℓ/(ℓ + κ)² ≤ κ²/ℓ and ≤ ℓ and ≤ κ/4
//! ```

use super::close;
use double_descent::theory::overfitting::{Decay, Tail, Verdict};
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;

#[test]
fn ranks_and_verdicts() {
    let tail = Tail::new(&(0..20).map(|i| 0.5f64.powi(i)).collect::<Vec<_>>()).unwrap();
    assert_eq!(tail.benign(1e6, 1.0).unwrap(), None);
    assert_eq!(tail.effective_ranks(20), None);
    // Squares that underflow do not make the rank infinite.
    assert_eq!(Tail::new(&[1e-200; 25]).unwrap().effective_ranks(0).unwrap()[1].round(), 25.0);
    // Energies stay with their eigenvalues, whatever their order.
    let [sorted, mixed] = [([3.0, 2.0, 1.0], [0.1, 0.2, 0.3]), ([1.0, 3.0, 2.0], [0.3, 0.1, 0.2])]
        .map(|(values, energy)| Tail::new(&values).unwrap().ridge_bias(1, 5.0, 0.4, &energy).unwrap());
    assert_eq!(sorted, mixed);
    close(sorted, 2.0 * 0.2 + 0.3 + 0.1 / 3.0 * (3.4f64 / 5.0).powi(2));
    close(tail.benign_bias(2.0, 3.0).unwrap(), 3.0 * f64::sqrt(tail.effective_ranks(0).unwrap()[0] / 2.0));
    assert!(Verdict::of_limit(0.5).is_err() && Verdict::of_limit(f64::NAN).is_err());
    assert_eq!(Decay::Logarithmic(2.0).verdict().unwrap(), Verdict::Benign);
}

/// Power laws `i^−α` and other spectra, for a target of energies `1/i`.
fn spectra() -> [(&'static str, Vec<f64>); 6] {
    let power = |count: usize, alpha: f64| (1..=count).map(|i| (i as f64).powf(-alpha)).collect();
    [
        ("a slow power", power(20_000, 1.2)),
        ("a power", power(3000, 2.0)),
        ("i⁻¹ (ln i)⁻²", (2..20_000).map(|i| 1.0 / (f64::from(i) * f64::from(i).ln().powi(2))).collect()),
        ("spikes", (0..1000).map(|i| if i < 5 { 100.0 } else { 1.0 }).collect()),
        ("isotropic", vec![1.0; 500]),
        ("exponential", (0..300).map(|i| (-0.05 * f64::from(i)).exp()).collect()),
    ]
}

#[test]
fn benign_overfitting_with_constants() {
    let mut compared = 0;
    for (name, values) in spectra() {
        let tail = Tail::new(&values).unwrap();
        let energy: Vec<f64> = (1..=values.len()).map(|i| 1.0 / i as f64).collect();
        let spectrum = PopulationSpectrum::new(&values).unwrap();
        let population = SpectralPopulation::new(spectrum, &energy, 1.0).unwrap();
        for (n, b) in [50usize, 200].into_iter().flat_map(|n| [1.0, 2.0, 5.0].map(|b| (n, b))) {
            let found = population.at(n as f64, 0.0).unwrap();
            for k in 0..n {
                let bound = tail.cost_bound(k, n as f64).unwrap();
                assert!(found.cost <= bound * (1.0 + 1e-12), "{name}, {n}: {} over {bound}", found.cost);
            }
            let own_bias = found.bias / found.cost;
            let whole = tail.benign_bias(n as f64, energy.iter().sum()).unwrap();
            assert!(own_bias <= 0.25 * whole, "{name}, {n}: {own_bias} over {whole}");
            let Some((k, proxy)) = tail.benign(n as f64, b).unwrap().filter(|(k, _)| *k < n) else {
                continue;
            };
            compared += 1;
            close(tail.ridge_noise(k, n as f64, 0.0).unwrap(), proxy);
            let [ratio, big] = tail.effective_ranks(k).unwrap();
            let (size, strong, share) = (n as f64, k as f64, n as f64 / ratio);
            let q = (size - strong) / (size - strong + b * size - 1.0);
            let seen = 1.0 / (share + size / (size - strong));
            let least = q * q * strong / size + seen * seen * size / big;
            let noise = found.df2 / size;
            assert!(noise >= least * (1.0 - 1e-12), "{name}, {n}, {b}: {noise} under {least}");
            let scale = tail.ridge_bias(k, size, 0.0, &energy).unwrap();
            let low = (1.0 - share).powi(2) * q * q * scale;
            let high = (size / (size - strong)).powi(2) * scale;
            assert!(
                (low..=high * (1.0 + 1e-12)).contains(&own_bias),
                "{name}: {own_bias}, not {low} to {high}"
            );
        }
    }
    // Of six spectra, two n and three b, those for which r_k reaches bn before k reaches n.
    assert_eq!(compared, 18);
}
