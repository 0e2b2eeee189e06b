//! The spectral laws and the ranks of `theory` against values of 25 digits computed elsewhere.

use double_descent::theory::circle;
use double_descent::theory::gradient_flow::{self, Group};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::overfitting::{Tail, power_law_cost};
use double_descent::theory::ridge::Population;
use double_descent::theory::smallest_singular_value as smallest;
use double_descent::theory::spectrum::PopulationSpectrum;

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!(found == expected || (found / expected - 1.0).abs() <= 1e-10, "{found:e}, not {expected:e}");
}

#[test]
fn marchenko_pastur() {
    let law = |gamma| MarchenkoPastur::new(gamma).unwrap();
    for (gamma, x, density, cdf, edges, atom) in [
        (
            0.3,
            2.0,
            0.223_510_564_605_611_7,
            0.943_001_649_418_941_7,
            [0.204_554_884_989_667_78, 2.395_445_115_010_332_3],
            0.0,
        ),
        (1.0, 3.0, 0.091_888_149_236_965_34, 0.942_331_114_377_562_7, [0.0, 4.0], 0.0),
        (
            2.5,
            5.0,
            0.035_445_488_812_611_8,
            0.962_869_833_321_447_6,
            [0.337_722_339_831_620_64, 6.662_277_660_168_379],
            0.6,
        ),
    ] {
        let law = law(gamma);
        close(law.density(x), density);
        close(law.cdf(x), cdf);
        close(law.edges()[0], edges[0]);
        close(law.edges()[1], edges[1]);
        close(law.atom(), atom);
        assert_eq!([law.cdf(-1.0), law.cdf(edges[1] + 1.0)], [0.0, 1.0]);
    }
    for (gamma, lambda, first, second) in [
        (0.3, 0.7, 0.650_762_031_114_645_5, 0.464_830_022_224_746_8),
        (2.5, 0.7, 1.018_301_426_347_728_8, 1.306_285_845_892_731_1),
        (1.0, 1e-6, 999.500_124_999_992_2, 499_999_937.500_011_74),
    ] {
        let found = law(gamma).resolvent(lambda).unwrap();
        close(found[0], first);
        close(found[1], second);
    }
    close(law(0.3).moment(2), 1.3);
    close(law(2.5).moment(4), 69.125);
    assert_eq!([law(2.5).moment(0), law(2.5).moment(1)], [1.0, 1.0]);
    close(law(0.3).inverse_moments()[0], 1.428_571_428_571_428_6);
    close(law(0.9).inverse_moments()[2], 190_000.000_000_000_2);
    close(law(2.0).inverse_moments()[1], 1.0);
    assert_eq!(law(1.0).inverse_moments(), [f64::INFINITY; 3]);
    close(law(1.0).shannon(0.2).unwrap(), 1.411_263_736_314_799_5);
    close(law(0.5).shannon(1e-4).unwrap(), 8.903_687_512_552_12);
    close(law(0.3).mean_log(), -0.167_758_464_142_957_78);
    assert_eq!(law(1.0).mean_log(), -1.0);
    close(law(5.0).mean_log(), 1.502_012_117_690_939_3);
    // ln(1 + x/ε) → x/ε for large ε, and the mean of x is 1.
    close(law(2.5).shannon(1e300).unwrap(), 1e-300);
    assert!(MarchenkoPastur::new(0.0).is_err() && law(1.0).resolvent(0.0).is_err());
}

#[test]
fn smallest_singular_values() {
    for (t, cdf, density) in [
        (0.01, 0.099_675_477_413_734_39, 4.951_784_874_224_461),
        (0.3, 0.502_282_462_926_714_5, 0.703_210_639_071_563_2),
        (5.0, 0.991_226_925_619_242_1, 0.006_348_256_259_082_62),
    ] {
        close(smallest::square_limit_cdf(t), cdf);
        close(smallest::square_limit_density(t), density);
    }
    close(smallest::square_limit_cdf(smallest::square_limit_median()), 0.5);
    close(smallest::condition_limit_cdf(1.0), 0.018_315_638_888_734_18);
    close(smallest::condition_limit_cdf(10.0), 0.802_518_797_962_478_5);
    for (x, n, one, three, complex) in [
        (0.5, 1, 0.221_199_216_928_595_12, 0.026_499_021_160_743_916, 0.393_469_340_287_366_6),
        (0.05, 5, 0.117_503_097_415_404_6, 0.003_467_720_584_621_526, 0.221_199_216_928_595_15),
        (0.5, 10, 0.917_915_001_376_101_2, 0.497_558_767_300_709_3, 0.993_262_053_000_914_5),
    ] {
        close(smallest::one_more_cdf(n, x), one);
        close(smallest::three_more_cdf(n, x), three);
        close(smallest::complex_square_cdf(n, x), complex);
    }
    // The first term for small x, n² x²/8 − n(n−1) x²/12.
    close(smallest::three_more_cdf(10, 1e-140), (100.0 / 8.0 - 90.0 / 12.0) * 1e-280);
    assert_eq!([smallest::three_more_cdf(10, 1e3), smallest::three_more_cdf(0, 1.0)], [1.0, 0.0]);
}

#[test]
fn effective_ranks() {
    let halves: Vec<f64> = (0..20).map(|i| 0.5f64.powi(i)).collect();
    let tail = Tail::new(&halves).unwrap();
    let [small, large] = tail.effective_ranks(3).unwrap();
    close(small, 1.999_984_741_210_937_5);
    close(large, 2.999_954_223_982_056);
    let (k, proxy) = tail.benign(2.0, 0.5).unwrap().unwrap();
    assert_eq!(k, 0);
    close(proxy, 0.666_667_938_233_634_6);
    assert_eq!(Tail::new(&[1.0; 25]).unwrap().benign(5.0, 1.0).unwrap(), Some((0, 0.2)));
    assert_eq!(tail.benign(1e6, 1.0).unwrap(), None);
    assert_eq!(tail.effective_ranks(20), None);
    // Squares that vanish do not make the rank infinite.
    assert_eq!(Tail::new(&[1e-200; 25]).unwrap().effective_ranks(0).unwrap()[1].round(), 25.0);
    // Power laws: the cost of the spectrum cut at 2·10⁵ nears α; what the cut and n leave is of order n/D and 1/n.
    let alpha = 2.0;
    let values: Vec<f64> = (1..=200_000).map(|i| f64::from(i).powf(-alpha)).collect();
    let population =
        Population::new(PopulationSpectrum::new(&values).unwrap(), &vec![0.0; values.len()], 1.0).unwrap();
    let cost = population.at(200.0, 0.0).unwrap().cost;
    assert!((cost / power_law_cost(alpha).unwrap() - 1.0).abs() < 0.01, "{cost}");
}

#[test]
fn the_circle() {
    close(circle::limit(0.3, 0.1).unwrap(), 1.25);
    close(circle::limit(0.3, 1.0).unwrap(), 0.7);
    close(circle::limit(0.3, 0.31).unwrap(), 21.399_999_999_999_98);
    assert_eq!(circle::limit(0.3, 0.3).unwrap(), f64::INFINITY);
    assert!(circle::limit(0.0, 0.3).is_err() && circle::limit(0.3, 1.1).is_err());
}

#[test]
fn gradient_flow() {
    let group = |count, variance, energy| Group { count, variance, energy };
    let groups = [group(50.0, 1.0, 0.01), group(50.0, 0.001, 20.0)];
    close(gradient_flow::excess(&groups, 150.0, 1.0, 0.6).unwrap(), 1.217_254_925_504_262_4);
    close(gradient_flow::excess(&groups, 150.0, 1.0, 2000.0).unwrap(), 0.600_863_996_360_570_4);
    let paper = [group(1.0, 1.0, 0.45 * 0.45), group(1.0, 0.15 * 0.15, 9.0)];
    for (steps, expected) in
        [(1, 0.366_615_281_406_25), (30, 0.269_392_902_414_528_46), (491, 0.166_942_176_546_209_16)]
    {
        close(gradient_flow::excess_of_descent(&paper, 10.0, 1.0, 0.1, steps).unwrap(), expected);
    }
    for (variance, energy, noise, n, time, least, end) in [
        (0.001, 20.0, 1.0, 150.0, 1_386.294_361_119_890_7, 0.005, 0.006_666_666_666_666_667),
        (0.1, 0.5, 2.0, 30.0, 5.596_157_879_354_227, 0.028_571_428_571_428_574, 0.066_666_666_666_666_67),
    ] {
        let found = gradient_flow::optimum(&group(1.0, variance, energy), n, noise).unwrap();
        close(found.time, time);
        close(found.least, least);
        close(found.end, end);
    }
    close(gradient_flow::plateau(150, 50, 1.0, 1.0).unwrap(), 2.010_101_010_101_01);
    close(gradient_flow::plateau(60, 30, 1.0, 1.0).unwrap(), 3.068_965_517_241_379_4);
    close(gradient_flow::plateau(20, 18, 0.1, 0.1).unwrap(), 3.7);
    assert!(gradient_flow::plateau(3, 4, 1.0, 1.0).is_err());
    // Alternating steps: g = −1 after one of η ℓ = 2.
    close(gradient_flow::excess_of_descent(&groups[..1], 1.0, 1.0, 2.0, 1).unwrap(), 50.0 * (0.01 + 4.0));
}
