//! Lists displayed as tables: summaries, contributions of modes.

use super::ToHtml;
use super::table::{Table, number, optional};
use crate::curve::{Cell, MedianPoint, Metric, Summary};
use crate::error::words::counted;
use crate::factors::Contribution;

impl ToHtml for [Summary] {
    fn headline(&self) -> String {
        let repeats = self.iter().map(|summary| summary.count).max().unwrap_or(0);
        let summaries = if self.len() == 1 { "summary" } else { "summaries" };
        format!("{} {summaries} over up to {}", self.len(), counted(repeats, "repeat"))
    }

    fn body(&self) -> String {
        let head = ["index of arm", "n", "p", "axis value", "repeats", "q25", "median", "q75", "mean", "max"];
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
        let [value, median] = [self.value, self.median].map(number);
        format!("n = {}, p = {}, axis value {value}: median {median}", self.n, self.p)
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

/// The metrics that a table of cells shows: those of the first cell, at most this many.
const METRICS: usize = 6;

impl ToHtml for [Cell] {
    fn headline(&self) -> String {
        counted(self.len(), "cell")
    }

    fn body(&self) -> String {
        let has = |metric: &Metric| self.first().is_some_and(|cell| cell.metric(*metric).is_some());
        let metrics: Vec<Metric> = Metric::ALL.iter().copied().filter(has).take(METRICS).collect();
        let names = metrics.iter().map(|metric| metric.name().replace('_', " "));
        let head = ["repeat", "n", "p", "index of arm", "rank"].map(str::to_owned).into_iter().chain(names);
        let row = |i: usize| {
            let cell = &self[i];
            let counts = [cell.repeat, cell.n, cell.p, cell.arm, cell.rank].map(|count| count.to_string());
            counts.into_iter().chain(metrics.iter().map(|metric| optional(cell.metric(*metric)))).collect()
        };
        Table::of(head.collect(), self.len(), row).html()
    }
}

impl ToHtml for Cell {
    fn headline(&self) -> String {
        format!("repeat {}, n = {}, p = {}, arm {}", self.repeat, self.n, self.p, self.arm)
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
