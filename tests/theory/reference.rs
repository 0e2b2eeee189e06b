//! Every formula of `theory` against values computed elsewhere in arithmetic of 40 to 1400 digits (`values.json`): at
//! ordinary arguments, at both sides of the threshold, at tiny and huge penalties and noise.
//!
//! An entry of the file that no formula answers is a failure, and so is an answer that the file has no value for. Tolerances
//! are the file's, which are those that the functions state.

use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::filtered::Flow;
use double_descent::theory::gradient_flow::{self, FeatureGroup};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::overfitting::Tail;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::{self, SpectralPopulation};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{circle, gaussian, noise, optimal_ridge, smallest_singular_value, structured};
use serde_json::Value;

/// The inputs of one case.
struct Inputs<'a>(&'a Value);

impl Inputs<'_> {
    fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("no number {name} in {}", self.0))
    }

    fn number_or(&self, name: &str, default: f64) -> f64 {
        self.0.get(name).map_or(default, |_| self.number(name))
    }

    fn count(&self, name: &str) -> usize {
        usize::try_from(self.0[name].as_u64().unwrap()).unwrap()
    }

    fn list(&self, name: &str) -> Vec<f64> {
        self.0[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn spectrum(&self) -> PopulationSpectrum {
        let values = self.list("eigs");
        let counts = if self.0["mult"].is_array() { self.list("mult") } else { vec![1.0; values.len()] };
        PopulationSpectrum::with_multiplicities(&values, &counts).unwrap()
    }

    fn activation(&self, name: &str) -> HermiteCoefficients {
        type Constants = HermiteCoefficients;
        let (a, b) = (self.number_or("a", 1.0), self.number_or("b", 0.0));
        match self.0[name].as_str().unwrap() {
            "relu" => Constants::relu(),
            "leaky_relu" => Constants::leaky_relu(a),
            "abs" => Constants::abs(),
            "sign" => Constants::sign(),
            "step" => Constants::step(),
            "cos" => Constants::cos(a, b),
            "sin" => Constants::sin(a),
            "erf" => Constants::erf(a),
            "exp" => Constants::exp(a),
            "linear" => Constants::identity(),
            "square" => Constants::square(),
            "cubic" => Constants::cube(),
            "tanh" => Constants::tanh(),
            "gelu" => Constants::gelu(),
            "sigmoid" => Constants::sigmoid(),
            "softplus" => Constants::softplus(),
            "silu" => Constants::silu(),
            "elu" => Constants::elu(),
            other => panic!("no activation {other}"),
        }
    }
}

/// The answers by name; `NaN` for a value that is absent.
type Answers = Vec<(&'static str, f64)>;

fn value(value: f64) -> Answers {
    vec![("value", value)]
}

fn answer(id: &str, i: &Inputs<'_>) -> Answers {
    exact(id, i)
        .or_else(|| ridge_answer(id, i))
        .or_else(|| random_features(id, i))
        .or_else(|| spectra(id, i))
        .or_else(|| flows(id, i))
        .unwrap_or_else(|| panic!("no formula of theory is {id}"))
}

fn exact(id: &str, i: &Inputs<'_>) -> Option<Answers> {
    Some(match id {
        "isotropic.exact" => {
            let found = gaussian::excess(i.count("n"), i.count("d"), i.number("r2"), i.number("s2")).unwrap();
            vec![("bias", found.bias), ("variance", found.variance), ("excess", found.total())]
        }
        "isotropic.exact_variance" => value(
            gaussian::excess_variance(i.count("n"), i.count("d"), i.number("r2"), i.number("s2")).unwrap(),
        ),
        "isotropic.exact_intercept" => value(
            gaussian::excess_with_intercept(i.count("n"), i.count("p"), i.number("r2"), i.number("s2"))
                .unwrap(),
        ),
        "isotropic.asymptotic" => {
            let found = gaussian::limit(i.number("g"), i.number("r2"), i.number("s2")).unwrap();
            vec![("bias", found.bias), ("variance", found.variance)]
        }
        "wishart.var_trace_inverse" => value(noise::gaussian_variance(i.count("nu"), i.count("p"))),
        "sphere.exact_noise" => value(noise::sphere(i.count("n"), i.count("p")).unwrap()),
        "universal.lower_bound" => value(noise::lower_bound(i.count("n"), i.count("p"))),
        "misspecified.asymptotic" => {
            let found =
                gaussian::misspecified_limit(i.number("g"), i.number("r2"), i.number("kap"), i.number("s2"))
                    .unwrap();
            vec![
                ("misspec", found.unseen),
                ("bias", found.seen.bias),
                ("var", found.seen.variance),
                ("excess", found.total()),
            ]
        }
        // The file's test errors hold the test's own noise.
        "weak_features.gaussian" => {
            let [seen, unseen, noise] = ["bT2", "bTc2", "s2"].map(|name| i.number(name));
            value(gaussian::weak_features(i.count("n"), i.count("p"), seen, unseen, noise).unwrap() + noise)
        }
        "weak_features.gaussian_random" => {
            let (n, p, all) = (i.count("n"), i.count("p"), i.count("D"));
            let noise = i.number("s2");
            value(gaussian::random_subset(n, p, all, i.number("b2"), noise).unwrap() + noise)
        }
        "weak_features.fourier" => value(circle::limit(i.number("rn"), i.number("rp")).unwrap()),
        "weak_features.haar_exact" => value(circle::haar(i.count("n"), i.count("p"), i.count("D")).unwrap()),
        "effective_params.p0_isotropic" => value(gaussian::effective_parameters(i.count("n"), i.count("d"))),
        _ => return None,
    })
}

fn ridge_answer(id: &str, i: &Inputs<'_>) -> Option<Answers> {
    Some(match id {
        "ridge.isotropic_asymptotic" => {
            let found =
                ridge::isotropic(i.number("g"), i.number("lam"), i.number("r2"), i.number("s2")).unwrap();
            vec![("bias", found.bias), ("variance", found.variance)]
        }
        "ridge.isotropic_optimal" => {
            let found = ridge::optimal_isotropic(i.number("g"), i.number("r2"), i.number("s2")).unwrap();
            vec![("lam", found.0), ("excess", found.1)]
        }
        "omniscient" => {
            let population = SpectralPopulation::new(i.spectrum(), &i.list("beta2"), i.number("s2")).unwrap();
            let found = population.at(i.number("n"), i.number("lam")).unwrap();
            vec![
                ("kappa", found.kappa),
                ("df1", found.df1),
                ("df2", found.df2),
                ("bias", found.bias),
                ("var", found.variance),
                ("excess", found.excess),
                ("train", found.train),
                ("gcv_factor", found.cost),
            ]
        }
        "ar1.ridgeless" => {
            let [gamma, rho, r2, noise] = ["g", "rho", "r2", "s2"].map(|name| i.number(name));
            let found = structured::autoregressive(gamma, rho, r2, noise).unwrap();
            vec![("kappa", found.kappa), ("bias", found.bias), ("var", found.variance)]
        }
        "two_point.kappa" => value(
            structured::two_point_kappa(i.number("g"), [i.number("l1"), i.number("l2")], i.number("w1"))
                .unwrap(),
        ),
        "latent_space" => {
            let [gamma, psi, mu, r2, noise] = ["g", "psi", "mu", "r2", "s2"].map(|name| i.number(name));
            let found = structured::latent_space(gamma, psi, mu, [r2, noise], 0.0).unwrap();
            vec![
                ("kappa", found.fit.kappa),
                ("bias", found.fit.bias),
                ("var", found.fit.variance),
                ("irreducible", found.unseen),
                ("excess", found.total()),
                ("eff_noise", found.noise),
            ]
        }
        "optimal_ridge.isotropic" => {
            let found =
                optimal_ridge::of_design(&i.list("w"), i.count("d"), i.number("b2"), i.number("s2")).unwrap();
            vec![("lam", found.0), ("excess", found.1)]
        }
        "optimal_ridge.model_wise" => {
            let found =
                optimal_ridge::model_wise(i.count("p"), i.count("d"), i.number("th2"), i.number("s2"))
                    .unwrap();
            vec![("lam", found.lambda), ("noise_eff", found.noise), ("beta2_eff", found.energy)]
        }
        "effective_ranks" => {
            let tail = Tail::new(&i.list("l")).unwrap();
            let [small, large] = tail.effective_ranks(i.count("k")).unwrap();
            let found = tail.benign(i.number("n"), i.number("b")).unwrap();
            vec![
                ("r_k", small),
                ("R_k", large),
                ("k_star", found.map_or(f64::NAN, |found| found.0 as f64)),
                ("variance_proxy", found.map_or(f64::NAN, |found| found.1)),
            ]
        }
        "tsigler_bartlett" => {
            let tail = Tail::new(&i.list("l")).unwrap();
            let (k, n, lambda) = (i.count("k"), i.number("n"), i.number("lam"));
            vec![
                ("variance", tail.ridge_noise(k, n, lambda).unwrap()),
                ("bias", tail.ridge_bias(k, n, lambda, &i.list("th2")).unwrap()),
            ]
        }
        "n_eff" => {
            value(PopulationSpectrum::new(&i.list("l")).unwrap().effective_dimension(i.number("z")).unwrap())
        }
        "evidence.asymptotic" => {
            let [energy, noise, prior, model_noise] =
                ["r2", "s2_true", "tau2", "s2"].map(|name| i.number(name));
            value(evidence::limit(i.number("g"), Beliefs { energy, noise, prior, model_noise }).unwrap())
        }
        _ => return None,
    })
}

fn random_features(id: &str, i: &Inputs<'_>) -> Option<Answers> {
    let model = || {
        let tail = [i.number_or("tail", 0.0), i.number_or("vtail2", 0.0)];
        RandomFeatureModel::new(i.spectrum(), &i.list("v2"), i.number("s2"))
            .and_then(|model| model.with_tail(tail[0], tail[1]))
            .unwrap()
    };
    Some(match id {
        "activation.constants" => {
            let found = i.activation("name");
            vec![("mu0", found.mean), ("mu1", found.linear), ("mustar2", found.rest)]
        }
        "random_features.mei_montanari" => {
            let activation = i.activation("act");
            let (ratios, lambda) = ([i.number("psi1"), i.number("psi2")], i.number("lam"));
            let found = activation.mei_montanari(ratios, lambda).unwrap();
            let target = [i.number("F1sq"), i.number("Fs2")];
            let risk = activation.random_features(ratios, lambda, target, i.number("tau2")).unwrap();
            vec![("chi", found.chi), ("B", found.bias), ("V", found.variance), ("risk", risk.excess)]
        }
        "random_features.equivalent" => {
            let found = model().at(i.number("n"), i.number("k"), i.number("delta")).unwrap();
            let split = found.split;
            vec![
                ("kappa", found.kappa),
                ("kappa1", found.feature_kappa),
                ("z", found.df1),
                ("q", found.df2),
                ("bias2", split.bias),
                ("V_X", split.data),
                ("V_P", split.features),
                ("V_PX", split.data_features),
                ("V_Xe", split.data_noise),
                ("V_PXe", split.all),
                ("excess", found.excess),
                ("ensemble_inf", found.ensemble),
                ("train", found.train),
                ("E_bias", split.bias),
                ("E_samp", split.sampling()),
                ("E_init", split.initialisation()),
                ("E_noise", split.label_noise()),
            ]
        }
        "random_features.ridgeless_simple" => {
            let (n, k, noise) = (i.number("n"), i.number("k"), i.number("s2"));
            let found = model().at(n, k, 0.0).unwrap();
            let only_wide = |value| if k > n { value } else { f64::NAN };
            vec![
                ("kappa", found.kappa),
                ("test_mse", found.excess + noise),
                ("kernel_limit_part", only_wide(found.ensemble + noise)),
                ("width_penalty", only_wide(found.width_penalty())),
            ]
        }
        _ => return None,
    })
}

fn spectra(id: &str, i: &Inputs<'_>) -> Option<Answers> {
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

fn flows(id: &str, i: &Inputs<'_>) -> Option<Answers> {
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
            // The places of the largest ratios, found here: a maximum's place has half the digits of its value.
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

#[test]
fn every_formula_of_the_sheet() {
    let entries: Value = serde_json::from_str(include_str!("values.json")).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), 47, "formulas");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for entry in entries {
        let id = entry["id"].as_str().unwrap();
        let (relative, absolute) = (entry["rtol"].as_f64().unwrap(), entry["atol"].as_f64().unwrap());
        for case in entry["cases"].as_array().unwrap() {
            let answers = answer(id, &Inputs(&case["inputs"]));
            let expected = case["outputs"].as_object().unwrap();
            for (name, expected) in expected {
                let found = answers.iter().find(|(answer, _)| answer == name);
                let found = found.unwrap_or_else(|| panic!("{id} does not answer {name}")).1;
                let expected = match expected {
                    Value::Number(number) => number.as_f64().unwrap(),
                    Value::Null => f64::NAN,
                    _ => f64::INFINITY,
                };
                let relative = if name.starts_with("argmax") { 1e-7 } else { relative };
                let agrees = found == expected
                    || (found.is_nan() && expected.is_nan())
                    || (found - expected).abs() <= relative * expected.abs() + absolute;
                compared += 1;
                if !agrees {
                    wrong.push(format!("{id} {name}: {found:e}, not {expected:e}, at {}", case["inputs"]));
                }
            }
        }
    }
    assert!(compared > 900, "{compared} values");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
