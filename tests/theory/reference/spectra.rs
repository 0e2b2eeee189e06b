//! Laws of spectra, and training time.

use super::inputs::Inputs;
use super::{Answers, value};
use double_descent::theory::filtered::Flow;
use double_descent::theory::gradient_flow::{self, FeatureGroup};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::smallest_singular_value;
use serde_json::Value;

pub fn spectra(id: &str, i: &Inputs<'_>) -> Option<Answers> {
    let law = || MarchenkoPastur::new(i.number("g")).unwrap();
    Some(match id {
        "mp.pdf_cdf" => {
            let (law, x) = (law(), i.number("x"));
            let [low, high] = law.edges();
            vec![
                ("pdf", law.density(x)),
                ("cdf", law.cdf(x)),
                ("lo", low),
                ("hi", high),
                ("atom", law.atom()),
            ]
        }
        "mp.stieltjes" => {
            let [m, m2] = law().resolvent(i.number("lam")).unwrap();
            vec![("m", m), ("m2", m2)]
        }
        "mp.moments" => value(law().moment(u32::try_from(i.count("k")).unwrap())),
        "mp.inverse_moments" => value(law().inverse_moments()[i.count("j") - 1]),
        "mp.log_shannon" => value(law().shannon(i.number("eps")).unwrap()),
        "mp.mean_log" => value(law().mean_log()),
        "mp.laplace" => {
            let [laplace, first] = law().laplace(i.number("s")).unwrap();
            vec![("laplace", laplace), ("laplace_x", first)]
        }
        "smin.square_limit" => {
            let t = i.number("t");
            vec![
                ("cdf", smallest_singular_value::square_limit_cdf(t)),
                ("pdf", smallest_singular_value::square_limit_density(t)),
            ]
        }
        "smin.square_exact_pdf" => {
            value(smallest_singular_value::square_density(i.count("n"), i.number("lam")).unwrap())
        }
        "smin.n_plus_k_exact" => {
            let (n, x) = (i.count("n"), i.number("lam"));
            vec![
                ("real_np1", smallest_singular_value::one_more_cdf(n, x)),
                ("real_np3", smallest_singular_value::three_more_cdf(n, x)),
                ("complex_square", smallest_singular_value::complex_square_cdf(n, x)),
            ]
        }
        "cond.square_limit" => value(smallest_singular_value::condition_limit_cdf(i.number("x"))),
        _ => return None,
    })
}

pub fn flows(id: &str, i: &Inputs<'_>) -> Option<Answers> {
    Some(match id {
        "flow.isotropic_asymptotic" => {
            let [t, gamma, r2, noise] = ["t", "g", "r2", "s2"].map(|name| i.number(name));
            let found = gradient_flow::isotropic(gamma, t, r2, noise).unwrap();
            vec![("bias", found.bias), ("variance", found.variance)]
        }
        "flow.general_spectrum" => {
            let population = SpectralPopulation::new(i.spectrum(), &i.list("beta2"), i.number("s2")).unwrap();
            let found = population.filtered(i.number("n"), &Flow::new(i.number("t")).unwrap()).unwrap();
            vec![("bias", found.bias), ("variance", found.variance)]
        }
        "flow.two_scale" => {
            let group = |row: &Value| {
                let [count, variance, energy] = [0, 1, 2].map(|at| row[at].as_f64().unwrap());
                FeatureGroup { count, variance, energy }
            };
            let groups: Vec<FeatureGroup> = i.0["groups"].as_array().unwrap().iter().map(group).collect();
            value(gradient_flow::excess(&groups, i.number("n"), i.number("s2"), i.number("t")).unwrap())
        }
        "gd.heckel_yilmaz" => {
            let pairs = i.list("sig").into_iter().zip(i.list("th"));
            let groups: Vec<FeatureGroup> =
                pairs.map(|(s, t)| FeatureGroup { count: 1.0, variance: s * s, energy: t * t }).collect();
            let steps = u32::try_from(i.count("k")).unwrap();
            let (n, noise, eta) = (i.number("n"), i.number("s2"), i.number("eta"));
            value(gradient_flow::excess_of_descent(&groups, n, noise, eta, steps).unwrap())
        }
        "flow.group_optimum" => {
            let group = FeatureGroup { count: 1.0, variance: i.number("l"), energy: i.number("th2") };
            let found = gradient_flow::optimum(&group, i.number("n"), i.number("s2")).unwrap();
            vec![("t_star", found.time), ("min", found.least), ("final", found.end)]
        }
        "flow.plateau" => value(
            gradient_flow::plateau(i.count("n"), i.count("d1"), i.number("slow"), i.number("s2")).unwrap(),
        ),
        "flow.vs_ridge" => {
            let found = gradient_flow::against_ridge(i.number("x")).unwrap();
            let mut answers = vec![
                ("flow_shrink", found.flow),
                ("ridge_shrink", found.ridge),
                ("ratio", found.ratio),
                ("bayes_ratio_at_optimum", found.risk_ratio),
                ("sup_ratio_all_t", gradient_flow::LARGEST_RATIO),
                ("sup_ratio_at_optimum", gradient_flow::LARGEST_RATIO_AT_OPTIMUM),
            ];
            // The locations of the largest ratios, found here; a maximum's location has half as many digits as its
            // value.
            let place = |f: fn(f64) -> f64| {
                let (mut low, mut high) = (0.5, 8.0);
                for _ in 0..200 {
                    let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
                    if f(a) < f(b) { low = a } else { high = b }
                }
                low
            };
            let square: fn(f64) -> f64 = |x| gradient_flow::against_ridge(x).unwrap().ratio.powi(2);
            let optimum: fn(f64) -> f64 = |x| gradient_flow::against_ridge(x).unwrap().risk_ratio;
            for (name, f, largest) in [
                ("argmax_all_t", square, gradient_flow::LARGEST_RATIO),
                ("argmax_at_optimum", optimum, gradient_flow::LARGEST_RATIO_AT_OPTIMUM),
            ] {
                let x = place(f);
                assert!((f(x) / largest - 1.0).abs() < 1e-15, "{name}: {}", f(x));
                answers.push((name, x));
            }
            answers
        }
        _ => return None,
    })
}
