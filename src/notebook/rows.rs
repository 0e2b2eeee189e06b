//! Lists displayed as tables: summaries, contributions of modes.

use super::ToHtml;
use super::table::{Table, number, optional};
use crate::curve::{MedianPoint, Summary};
use crate::error::words::counted;
use crate::factors::Contribution;

impl ToHtml for [Summary] {
    fn headline(&self) -> String {
        let repeats = self.iter().map(|summary| summary.count).max().unwrap_or(0);
        let summaries = if self.len() == 1 { "summary" } else { "summaries" };
        format!("{} {summaries} over up to {}", self.len(), counted(repeats, "repeat"))
    }

    fn body(&self) -> String {
        let head = ["arm", "n", "p", "axis value", "repeats", "q25", "median", "q75", "mean", "max"];
        let row = |i: usize| {
            let Summary { n, p, value, arm, count, mean, q25, median, q75, max, .. } = self[i];
            let counts = [n.to_string(), p.to_string(), number(value), count.to_string()];
            let [q25, median, q75, mean, max] = [q25, median, q75, mean, max].map(number);
            let [n, p, value, count] = counts;
            [arm.to_string(), n, p, value, count, q25, median, q75, mean, max]
        };
        Table::new(head, self.len(), row).html()
    }
}

impl ToHtml for Summary {
    fn headline(&self) -> String {
        let [q25, median, q75] = [self.q25, self.median, self.q75].map(number);
        let (n, p, over) = (self.n, self.p, counted(self.count, "repeat"));
        format!("n = {n}, p = {p}: median {median}, quartiles {q25} and {q75}, over {over}")
    }

    fn body(&self) -> String {
        std::slice::from_ref(self).body()
    }
}

impl ToHtml for MedianPoint {
    fn headline(&self) -> String {
        let at = if self.value == self.n as f64 || self.value == self.p as f64 {
            String::new()
        } else {
            format!(", axis value {}", number(self.value))
        };
        format!("n = {}, p = {}{at}: median {}", self.n, self.p, number(self.median))
    }

    fn body(&self) -> String {
        String::new()
    }
}

impl ToHtml for [Contribution] {
    fn headline(&self) -> String {
        format!("{} modes, the largest share in the error first", self.len())
    }

    fn body(&self) -> String {
        let head = ["mode r", "σ", "gain g(σ)", "test rows, rms x·v", "residuals u·E", "product, rms"];
        let row = |i: usize| {
            let share = &self[i];
            let [sigma, gain, test, residual, product] = [
                share.singular_value,
                share.gain,
                share.test_projection,
                share.residual_projection,
                share.product,
            ]
            .map(number);
            [share.mode.to_string(), sigma, gain, test, residual, product]
        };
        Table::new(head, self.len(), row).html()
    }
}

impl ToHtml for Contribution {
    fn headline(&self) -> String {
        format!("mode {}: product {}", self.mode, number(self.product))
    }

    fn body(&self) -> String {
        std::slice::from_ref(self).body()
    }
}

impl ToHtml for [f64] {
    fn headline(&self) -> String {
        format!("{} numbers", self.len())
    }

    fn body(&self) -> String {
        Table::new(["", "value"], self.len(), |i| [i.to_string(), optional(Some(self[i]))]).html()
    }
}
