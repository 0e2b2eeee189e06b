//! Formulas of risks: designs, ridge and random features.

use super::inputs::Inputs;
use super::{Answers, value};
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::overfitting::Tail;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::{self, SpectralPopulation};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{circle, gaussian, noise, optimal_ridge, structured};

pub fn exact(id: &str, i: &Inputs<'_>) -> Option<Answers> {
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
        // The file's test errors include the noise of the test targets.
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

pub fn ridge_answer(id: &str, i: &Inputs<'_>) -> Option<Answers> {
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

pub fn random_features(id: &str, i: &Inputs<'_>) -> Option<Answers> {
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
