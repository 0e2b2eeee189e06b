//! The formulas of `theory` against values of 25 digits computed elsewhere, their limits and their identities.

use double_descent::Error;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::gaussian;
use double_descent::theory::random_features::{RandomFeatureModel, RandomFeatureRisk};
use double_descent::theory::ridge::{Population, RidgeRisk, mean_noise, optimal_isotropic};
use double_descent::theory::spectrum::PopulationSpectrum;

/// Within 1e-10, relative: the accuracy that the formulas claim.
#[track_caller]
fn close(found: f64, expected: f64) {
    within(found, expected, 1e-10);
}

#[track_caller]
fn within(found: f64, expected: f64, relative: f64) {
    assert!(found == expected || (found / expected - 1.0).abs() <= relative, "{found:e}, not {expected:e}");
}

fn powers(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|i| (i as f64).powf(exponent)).collect()
}

#[test]
fn gaussian_designs() {
    let excess = |n, p, r2, noise| gaussian::excess(n, p, r2, noise).unwrap().total();
    close(excess(20, 10, 2.0, 0.5), 0.555_555_555_555_555_6);
    assert_eq!(excess(10, 10, 1.0, 0.1), f64::INFINITY);
    close(excess(12, 10, 1.0, 0.1), 1.0);
    close(excess(8, 10, 1.0, 0.1), 1.0);
    assert_eq!(excess(0, 7, 3.0, 1.0), 3.0);
    // Without noise the threshold's window is finite.
    assert_eq!([excess(10, 10, 1.0, 0.0), excess(9, 10, 1.0, 0.0)], [0.0, 0.1]);

    let variance = |n, p, r2, noise| gaussian::excess_variance(n, p, r2, noise).unwrap();
    close(variance(12, 30, 1.5, 0.4), 0.059_438_581_314_878_9);
    assert_eq!(variance(13, 10, 1.0, 1.0), f64::INFINITY);
    close(variance(200, 50, 1.0, 0.1), 6.097_659_999_993_872e-5);

    let intercept = |n, p, r2, noise| gaussian::excess_with_intercept(n, p, r2, noise).unwrap();
    close(intercept(30, 12, 1.0, 0.4), 0.323_333_333_333_333_36);
    close(intercept(14, 17, 1.0, 0.4), 2.137_815_126_050_42);
    close(intercept(14, 15, 2.0, 0.1), 1.685_714_285_714_285_7);

    // The reference values hold the test's noise.
    let weak =
        |n, p, seen, unseen, noise| gaussian::weak_features(n, p, seen, unseen, noise).unwrap() + noise;
    close(weak(20, 4, 0.2, 0.8, 0.1), 1.14);
    assert_eq!(weak(20, 19, 0.5, 0.5, 0.1), f64::INFINITY);
    close(weak(20, 22, 0.5, 0.5, 0.1), 12.645_454_545_454_546);
    close(weak(40, 100, 1.0, 0.0, 0.0), 0.6);
    close(weak(40, 10, 0.1, 0.9, 0.04), 1.264_137_931_034_482_7);
    close(weak(40, 50, 0.5, 0.5, 0.04), 3.04);
    close(weak(40, 100, 1.0, 0.0, 0.04), 0.667_118_644_067_796_7);
}

#[test]
fn isotropic_limits() {
    let limit = |gamma, r2, noise| gaussian::limit(gamma, r2, noise).unwrap();
    close(limit(2.0, 1.0, 0.3).bias, 0.5);
    close(limit(2.0, 1.0, 0.3).variance, 0.3);
    close(limit(0.99, 2.0, 1.0).variance, 98.999_999_999_999_91);
    close(limit(30.0, 2.0, 1.0).bias, 1.933_333_333_333_333_3);
    close(limit(30.0, 2.0, 1.0).variance, 0.034_482_758_620_689_655);
    assert_eq!(limit(1.0, 2.0, 1.0).variance, f64::INFINITY);
    // Misspecified: κ r² seen, the rest is noise.
    let seen = limit(2.0, 1.2, 0.3 + 0.8);
    close(0.8 + seen.total(), 2.5);
    close(0.8 + limit(0.9, 0.2, 0.9).total(), 8.9);

    for (gamma, r2, noise, lambda, excess) in [
        (1.0, 1.7, 0.4, 0.235_294_117_647_058_85, 0.648_528_137_423_857_1),
        (3.0, 1.7, 0.4, 0.705_882_352_941_176_5, 1.269_132_424_712_058_8),
        (50.0, 1.0, 0.1, 5.0, 0.981_848_687_365_762_7),
    ] {
        let best = optimal_isotropic(gamma, r2, noise).unwrap();
        close(best.0, lambda);
        close(best.1, excess);
        close(isotropic(gamma, r2, noise, lambda).excess, excess);
        for off in [0.9, 1.1] {
            assert!(isotropic(gamma, r2, noise, off * lambda).excess > excess);
        }
    }
}

fn isotropic(gamma: f64, r2: f64, noise: f64, lambda: f64) -> RidgeRisk {
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[gamma]).unwrap();
    Population::new(spectrum, &[r2], noise).unwrap().at(1.0, lambda).unwrap()
}

#[test]
fn ridge_regression() {
    for (gamma, lambda, r2, noise, bias, variance) in [
        (0.5, 0.05, 1.0, 0.4, 0.012_271_764_055_415_42, 0.288_628_451_868_242_43),
        (2.0, 0.5, 1.0, 0.4, 0.553_169_531_295_416_2, 0.139_549_875_050_866_16),
        (0.1, 2.0, 1.0, 1.0, 0.459_143_607_549_998_9, 0.010_742_364_897_175_966),
    ] {
        let found = isotropic(gamma, r2, noise, lambda);
        close(found.bias, bias);
        close(found.variance, variance);
    }
    let spectrum = PopulationSpectrum::with_multiplicities(&[4.0, 1.0, 0.25], &[20.0, 60.0, 120.0]).unwrap();
    let three = Population::new(spectrum, &[0.5, 0.3, 0.2], 0.2).unwrap();
    let harmonic = Population::new(
        PopulationSpectrum::new(&(1..=40).map(|i| 1.0 / f64::from(i)).collect::<Vec<_>>()).unwrap(),
        &(1..=40).map(|i| 1.0 / f64::from(i * i)).collect::<Vec<_>>(),
        0.05,
    )
    .unwrap();
    // κ, df₁, df₂, bias, variance, excess, train, cost.
    for (population, n, lambda, expected) in [
        (
            &three,
            100.0,
            0.0,
            [
                0.474_260_280_195_900_7,
                100.0,
                57.888_663_789_569_57,
                0.177_995_920_126_945_18,
                0.274_931_498_256_430_54,
                0.452_927_418_383_375_7,
                0.0,
                2.374_657_491_282_152_3,
            ],
        ),
        (
            &three,
            100.0,
            0.1,
            [
                0.677_203_972_681_839_3,
                85.233_400_270_234_16,
                44.681_086_179_308_714,
                0.212_419_916_432_116_02,
                0.161_539_998_142_900_51,
                0.373_959_914_575_016_54,
                0.012_515_337_566_458_359,
                1.807_699_990_714_502_6,
            ],
        ),
        (
            &harmonic,
            20.0,
            0.001,
            [
                0.062_582_026_964_986_67,
                19.680_419_427_590_774,
                10.968_787_259_748_682,
                0.020_472_865_539_304_19,
                0.060_727_100_419_535_95,
                0.081_199_965_958_840_13,
                3.349_920_277_003_44e-5,
                2.214_542_008_390_719,
            ],
        ),
    ] {
        let r = population.at(n, lambda).unwrap();
        let found = [r.kappa, r.df1, r.df2, r.bias, r.variance, r.excess, r.train, r.cost];
        found.iter().zip(expected).for_each(|(&found, expected)| close(found, expected));
        // The training covariance as the test's; all samples as the only subsample.
        let values = if n == 100.0 { vec![4.0, 1.0, 0.25] } else { powers(40, -1.0) };
        close(population.at_test(n, lambda, &values).unwrap().excess, r.excess);
        for members in [Some(1), Some(7), None] {
            close(population.subsampled(n, n, lambda, members).unwrap(), r.excess);
        }
        let halves = |members| population.subsampled(n, 0.5 * n, lambda, members).unwrap();
        close(halves(Some(1)), population.at(0.5 * n, lambda).unwrap().excess);
        assert!(halves(Some(1)) > halves(Some(2)) && halves(Some(2)) > halves(None));
    }
    assert_eq!(mean_noise(&[1.0, 2.0, 6.0]).unwrap(), 3.0);
}

/// The latent-space model of Hastie et al. is a two-point spectrum.
#[test]
fn latent_space() {
    for (gamma, psi, mu, noise, kappa, bias, variance) in [
        (2.0, 0.2, 0.8, 0.1, 1.337_715_508_089_904_1, 0.077_774_949_365_626_55, 0.354_649_682_807_595_3),
        (10.0, 0.05, 1.0, 0.0, 12.784_048_752_090_222, 0.180_192_797_718_582_02, 0.015_301_716_275_370_959),
    ] {
        let top = 1.0 + mu / psi;
        let spectrum =
            PopulationSpectrum::with_multiplicities(&[top, 1.0], &[gamma * psi, gamma * (1.0 - psi)])
                .unwrap();
        let energy = [(top - 1.0) / (top * top), 0.0];
        let found = Population::new(spectrum, &energy, noise + 1.0 / top).unwrap().at(1.0, 0.0).unwrap();
        close(found.kappa, kappa);
        close(found.bias, bias);
        close(found.variance, variance);
    }
}

/// AR(1) spectra have a closed form; two thousand eigenvalues of its symbol, at the nodes of a periodic trapezoidal
/// rule, give the integral to rounding.
#[test]
fn ar1_features() {
    let count = 2000;
    let (gamma, rho): (f64, f64) = (1.5, 0.8);
    let values: Vec<f64> = (0..count)
        .map(|i| {
            let angle = std::f64::consts::TAU * (i as f64 + 0.5) / count as f64;
            (1.0 - rho * rho) / (1.0 - 2.0 * rho * angle.cos() + rho * rho)
        })
        .collect();
    let energy = vec![1.0 / count as f64; count];
    let found = Population::new(PopulationSpectrum::new(&values).unwrap(), &energy, 0.5)
        .unwrap()
        .at(count as f64 / gamma, 0.0)
        .unwrap();
    close(found.kappa, 0.135_189_206_180_376_53);
    close(found.bias, 0.090_126_137_453_584_35);
    close(found.variance, 1.274_061_627_365_691);
}

/// At `γ` on both sides of 1 and penalties of all sizes, against the quadratic that isotropic features solve,
/// `κ² + (1 − λ − γ) κ = λ`.
#[test]
fn ridge_at_the_threshold_and_at_extremes() {
    for gamma in [0.3, 1.0 - 1e-12, 1.0, 1.0 + 1e-12, 4.0] {
        for lambda in [1e-300, 1e-100, 1e-30, 1e-20, 1e-10, 1e-3, 1.0, 1e10, 1e100, 1e300] {
            let b: f64 = (gamma - 1.0) + lambda;
            let root = b.hypot(2.0 * f64::sqrt(lambda));
            let kappa = if b > 0.0 { 0.5 * (b + root) } else { 2.0 * lambda / (root - b) };
            let (s, c) = (1.0 / (1.0 + kappa), kappa / (1.0 + kappa));
            let pole = lambda / kappa + gamma * s * c;
            let found = isotropic(gamma, 2.0, 0.3, lambda);
            close(found.kappa, kappa);
            within(found.bias, 2.0 * c * c / pole, 1e-9);
            within(found.variance, 0.3 * gamma * s * s / pole, 1e-9);
        }
        let limit = gaussian::limit(gamma, 2.0, 0.3).unwrap();
        let found = isotropic(gamma, 2.0, 0.3, 0.0);
        close(found.variance, limit.variance);
        if gamma != 1.0 {
            close(found.bias, limit.bias);
        }
        // A penalty that no longer matters.
        if gamma != 1.0 {
            close(isotropic(gamma, 2.0, 0.3, 1e-300).excess, found.excess);
        }
    }
    // Eigenvalues over 540 orders of magnitude.
    let wide =
        PopulationSpectrum::new(&(0..=60).map(|i| 10f64.powi(9 * i - 270)).collect::<Vec<_>>()).unwrap();
    let population = Population::new(wide, &[0.0; 61], 1.0).unwrap();
    for n in [1.0, 10.5, 30.0, 60.0, 61.0, 62.0, 1000.0] {
        for lambda in [0.0, 1e-300, 1e-5, 1.0, 1e5, 1e300] {
            let found = population.at(n, lambda).unwrap();
            let solved = if found.kappa > 0.0 { found.df1 / n + lambda / found.kappa } else { 1.0 };
            close(solved, 1.0);
        }
    }
}

#[test]
fn activations() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    // An odd activation's mean is 0 but for the rounding of 449 terms.
    for (found, mean, linear, rest) in [
        (HermiteCoefficients::relu(), 0.398_942_280_401_432_7, 0.5, 0.090_845_056_908_104_67),
        (
            HermiteCoefficients::cos(1.3, 0.4),
            0.395_648_527_334_836_74,
            -0.217_460_768_669_182,
            0.308_033_601_982_478_1,
        ),
        (HermiteCoefficients::sin(0.7), 0.0, 0.547_893_176_769_307_7, 0.012_157_517_423_936_353),
        (HermiteCoefficients::erf(1.2), 0.0, 0.687_417_276_076_257_5, 0.059_957_243_542_524_67),
        (HermiteCoefficients::tanh(), 0.0, 0.605_705_509_602_158_9, 0.027_415_326_035_430_256),
        (HermiteCoefficients::smooth(sigmoid), 0.5, 0.206_620_964_141_907_03, 0.000_686_813_035_161_729_1),
        (HermiteCoefficients::smooth(|x| x * x * x), 0.0, 3.0, 6.0),
    ] {
        if mean == 0.0 {
            assert!(found.mean.abs() < 1e-15, "{}", found.mean);
        } else {
            close(found.mean, mean);
        }
        close(found.linear, linear);
        close(found.rest, rest);
    }
}

#[test]
fn mei_and_montanari() {
    let (relu, sign) = (HermiteCoefficients::relu(), HermiteCoefficients::sign());
    for (activation, ratios, lambda, energy, noise, chi, bias, variance, risk) in [
        (
            relu,
            [6.0, 3.0],
            0.0,
            [1.0, 0.0],
            0.25,
            -2.144_873_775_607_660_3,
            0.172_626_934_352_648_03,
            1.322_308_722_259_778_7,
            0.503_204_114_917_592_8,
        ),
        (
            relu,
            [6.0, 3.0],
            0.01,
            [1.3, 0.4],
            0.25,
            -1.441_594_082_071_282_3,
            0.141_106_603_682_812_08,
            0.592_978_625_913_391_6,
            0.968_874_691_631_360_3,
        ),
        (
            sign,
            [0.5, 0.3],
            0.0,
            [1.0, 0.2],
            0.0,
            -0.122_869_417_399_277_69,
            1.990_504_805_131_917_9,
            1.616_799_522_415_693_7,
            2.513_864_709_615_057,
        ),
        (
            relu,
            [3.0, 3.0],
            1e-6,
            [1.0, 0.0],
            0.25,
            -2.131_140_962_620_316_6,
            15.003_736_038_455_395,
            102.563_492_907_579_83,
            40.644_609_265_350_354,
        ),
    ] {
        let at = |energy, noise| activation.random_features(ratios, lambda, energy, noise).unwrap();
        let found = at(energy, noise);
        close(-activation.rest / found.kappa, chi);
        close(found.excess, risk);
        close(at([1.0, 0.0], 0.0).excess, bias);
        close(at([0.0, 0.0], 1.0).excess, variance);
    }
}

fn power_law(noise: f64) -> RandomFeatureModel {
    RandomFeatureModel::new(PopulationSpectrum::new(&powers(60, -1.25)).unwrap(), &powers(60, -1.5), noise)
        .unwrap()
}

#[test]
fn random_features_of_any_spectrum() {
    let relu_one = RandomFeatureModel::new(PopulationSpectrum::new(&[0.25]).unwrap(), &[1.0], 0.25)
        .unwrap()
        .with_tail(0.090_845_056_908_104_7, 0.4)
        .unwrap();
    // κ, bias², V_X, V_P, V_PX, V_Xε, V_PXε, excess, infinite ensemble, train.
    for (kernel, n, k, ridge, expected) in [
        (
            power_law(0.1),
            20.0,
            30.0,
            0.01,
            [
                0.045_060_990_338_636_96,
                0.218_933_037_540_642_06,
                0.182_946_543_903_960_34,
                0.128_392_503_503_307_1,
                0.657_399_851_646_877_9,
                0.083_562_785_205_498_62,
                0.158_384_983_169_100_8,
                1.429_619_704_969_386_8,
                0.485_442_366_650_101,
                0.001_501_007_995_352_170_4,
            ],
        ),
        (
            power_law(0.1),
            20.0,
            12.0,
            0.0,
            [
                0.103_815_222_907_419_75,
                0.390_703_971_973_987_4,
                0.117_470_032_172_684_34,
                0.340_619_447_264_919_05,
                0.979_515_096_685_675_3,
                0.030_066_249_794_999_618,
                0.119_933_750_205_000_4,
                1.978_308_548_097_266,
                0.538_240_253_941_671_3,
                0.332_529_367_695_562_57,
            ],
        ),
        (
            power_law(0.1),
            20.0,
            2000.0,
            0.001,
            [
                0.042_514_747_522_469_14,
                0.209_326_023_857_639_4,
                0.190_173_266_269_853_6,
                0.001_343_804_715_011_772_8,
                0.003_339_139_544_830_004_4,
                0.090_850_274_020_008_42,
                0.001_005_501_971_165_039_2,
                0.496_038_010_378_508_2,
                0.490_349_564_147_501_4,
                8.411_122_242_142_962e-7,
            ],
        ),
        (
            relu_one,
            3.0,
            1.0,
            0.0,
            [
                0.202_821_608_242_294_34,
                0.600_619_968_779_174_6,
                0.067_925_949_623_248_92,
                0.247_286_236_557_584_03,
                0.356_027_153_045_130_4,
                0.028_273_264_773_945_08,
                0.096_726_735_226_054_92,
                1.396_859_308_005_138,
                0.696_819_183_176_368_6,
                0.731_937_470_224_505_7,
            ],
        ),
    ] {
        let r = kernel.at(n, k, ridge).unwrap();
        let s = r.split;
        let parts = [s.bias, s.data, s.features, s.data_features, s.data_noise, s.all];
        let found = [&[r.kappa], &parts[..], &[r.excess, r.ensemble, r.train]].concat();
        // The file states 1e-9 for these.
        found.iter().zip(expected).for_each(|(&found, expected)| within(found, expected, 1e-9));
        close(s.sum(), r.excess);
        assert_eq!(r.of_members(1).unwrap(), r.excess);
        assert!(r.of_members(2).unwrap() > r.ensemble && r.of_members(2).unwrap() < r.excess);
    }
    for (k, noise, expected) in [
        (30.0, 0.1, 1.719_717_344_518_375),
        (21.0, 0.0, 9.690_821_324_263_508),
        (4000.0, 0.1, 0.593_414_790_514_843_6),
    ] {
        close(power_law(noise).at(20.0, k, 0.0).unwrap().excess + noise, expected);
    }
}

/// Infinitely many features are kernel ridge: that of `ridge`, with target energy `v² = bℓ` and `δ = nλ`.
#[test]
fn wide_random_features_are_a_kernel_machine() {
    let values = powers(60, -1.25);
    let energy: Vec<f64> = values.iter().zip(powers(60, -1.5)).map(|(l, v)| v / l).collect();
    let kernel = Population::new(PopulationSpectrum::new(&values).unwrap(), &energy, 0.1).unwrap();
    for ridge in [0.0, 1e-6, 0.01, 1.0, 1e4] {
        let linear = kernel.at(20.0, ridge / 20.0).unwrap();
        // What width still costs is of order n/k.
        let wide = power_law(0.1).at(20.0, 1e15, ridge).unwrap();
        within(wide.excess, linear.excess, 1e-9);
        within(wide.train, linear.train, 1e-9);
        // At any width the infinite ensemble is kernel ridge with the effective ridge.
        let narrow = power_law(0.1).at(20.0, 30.0, ridge).unwrap();
        within(kernel.at(20.0, narrow.effective_ridge / 20.0).unwrap().excess, narrow.ensemble, 1e-9);
    }
}

/// Both conditions of the fixed point, `Σ s + x = min(n, k)` and `x (x + |n − k|) = kδ/κ`, and the split's sum, at
/// extreme ridges and on both sides of `n = k`.
#[test]
fn random_features_at_the_threshold_and_at_extremes() {
    let kernel = power_law(0.1);
    let values = powers(60, -1.25);
    for (n, k) in [(20.0, 20.0), (20.0, 20.0 * (1.0 + 1e-12)), (20.0 * (1.0 + 1e-12), 20.0), (60.0, 60.0)] {
        for ridge in [1e-300, 1e-100, 1e-20, 1e-10, 1.0, 1e10, 1e100, 1e300] {
            let found = kernel.at(n, k, ridge).unwrap();
            let (apart, rho) = (f64::abs(n - k), k * (ridge / found.kappa));
            let x = 2.0 * rho / (apart + apart.hypot(2.0 * rho.sqrt()));
            let z: f64 = values.iter().map(|l| l / (l + found.kappa)).sum();
            close((z + x) / f64::min(n, k), 1.0);
            assert!(found.excess.is_finite() && found.excess > 0.0, "{n} {k} {ridge} {found:?}");
            close(found.split.sum(), found.excess);
        }
    }
    assert_eq!(kernel.at(20.0, 20.0, 0.0).unwrap().excess, f64::INFINITY);
    // Least squares in all of a small population, σ² M/(n − M), whatever the width.
    for k in [60.0, 61.0, 100.0, 1e6] {
        let found = kernel.at(100.0, k, 0.0).unwrap();
        close(found.excess, 0.1 * 60.0 / 40.0);
        assert_eq!([found.kappa, found.split.sum()], [0.0, found.excess]);
    }
}

#[test]
fn wrong_inputs_say_so() {
    let domain = |found: Result<f64, Error>| assert!(matches!(found, Err(Error::Domain { .. })), "{found:?}");
    assert_eq!(PopulationSpectrum::new(&[]), Err(Error::Empty { what: "spectrum" }));
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        domain(PopulationSpectrum::new(&[1.0, wrong]).map(|s| s.trace()));
        domain(PopulationSpectrum::with_multiplicities(&[1.0], &[wrong]).map(|s| s.trace()));
        domain(gaussian::limit(wrong, 1.0, 1.0).map(|e| e.bias));
        domain(gaussian::excess(3, 4, wrong, 1.0).map(|e| e.bias));
        let one = PopulationSpectrum::new(&[1.0]).unwrap();
        let population = Population::new(one.clone(), &[1.0], 1.0).unwrap();
        domain(Population::new(one.clone(), &[wrong], 1.0).map(|_| 0.0));
        domain(population.at(wrong, 1.0).map(|r| r.excess));
        domain(population.at(1.0, wrong).map(|r| r.excess));
        let kernel = RandomFeatureModel::new(one, &[1.0], 1.0).unwrap();
        domain(kernel.at(1.0, wrong, 0.0).map(|r| r.excess));
        domain(kernel.with_tail(wrong, 0.0).map(|_| 0.0));
    }
    let two = PopulationSpectrum::new(&[1.0, 2.0]).unwrap();
    assert!(matches!(Population::new(two, &[1.0], 1.0), Err(Error::Shape { expected: 2, found: 1, .. })));
}

/// Zero features fit nothing: a spectrum of zeros is a value, not a hang.
#[test]
fn a_spectrum_of_zeros() {
    let zeros = PopulationSpectrum::new(&[0.0, 0.0]).unwrap();
    let population = Population::new(zeros.clone(), &[1.0, 1.0], 0.5).unwrap();
    for lambda in [0.0, 1e-300, 1.0, 1e300] {
        let found = population.at(3.0, lambda).unwrap();
        assert_eq!(found.excess, 0.0);
        close(found.train, 0.5);
        let kernel = RandomFeatureModel::new(zeros.clone(), &[1.0, 1.0], 0.5).unwrap();
        let found: RandomFeatureRisk = kernel.at(3.0, 5.0, lambda).unwrap();
        close(found.excess, 2.0);
    }
}

/// The optimum of isotropic features is known; of a target in the strong directions it is below 0.
#[test]
fn optimal_penalties() {
    for (gamma, noise) in [(0.5, 0.4), (1.0, 0.4), (3.0, 0.4), (50.0, 0.1)] {
        let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[gamma]).unwrap();
        let population = Population::new(spectrum, &[1.7], noise).unwrap();
        let (lambda, found) = population.optimal(1.0).unwrap().unwrap();
        let expected = optimal_isotropic(gamma, 1.7, noise).unwrap();
        // A minimum's place has half the digits of its value.
        within(lambda, expected.0, 1e-6);
        close(found.excess, expected.1);
    }
    let spectrum = PopulationSpectrum::with_multiplicities(&[100.0, 1.0], &[10.0, 290.0]).unwrap();
    let spiked = Population::new(spectrum, &[1.0, 0.0], 0.01).unwrap();
    let (lambda, best) = spiked.optimal(100.0).unwrap().unwrap();
    assert!(lambda < 0.0, "{lambda}");
    close(spiked.at(100.0, lambda).unwrap().excess, best.excess);
    for other in [0.9 * lambda, 1.1 * lambda, 0.0, 1.0] {
        assert!(spiked.at(100.0, other).unwrap().excess > best.excess, "{other}");
    }
    assert!(spiked.at(100.0, -1e9).is_err() && spiked.at(400.0, -1e-3).is_err());
    // Nothing to learn: the more penalty the better.
    let spectrum = PopulationSpectrum::new(&[1.0, 1.0]).unwrap();
    assert_eq!(Population::new(spectrum, &[0.0, 0.0], 1.0).unwrap().optimal(1.0).unwrap(), None);
}

#[test]
fn two_point_spectra() {
    for (gamma, [first, second], weight, kappa) in [
        (2.0, [4.0, 0.5], 0.3, 0.877_973_383_805_949_9),
        (5.0, [1.0, 1.0], 0.5, 4.0),
        (20.0, [100.0, 1.0], 0.01, 22.657_487_736_467_63),
    ] {
        let counts = [gamma * weight, gamma * (1.0 - weight)];
        let spectrum = PopulationSpectrum::with_multiplicities(&[first, second], &counts).unwrap();
        close(Population::new(spectrum, &[0.0; 2], 0.0).unwrap().at(1.0, 0.0).unwrap().kappa, kappa);
    }
}
