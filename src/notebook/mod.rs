//! How values are displayed at the end of a notebook cell.
//!
//! The [evcxr](https://github.com/evcxr/evcxr) kernel calls `evcxr_display` on the value of a cell's last expression.
//! Every type that is useful there has this method: [`Curve`](crate::curve::Curve), [`Surface`](crate::curve::Surface),
//! figures, reports, factorisations, data sets. A `Vec`, an `Option` or a `Result` of such values gets the method from
//! the trait: bring it into scope with `use double_descent::notebook::ToHtml`.
//!
//! The HTML stays small, whatever the size of the value: at most [`LARGEST`] bytes. Tables show their first and last
//! rows. A long curve keeps the points that are extremes of their neighbourhood, a large heat map an even selection of
//! its rows and columns. Tables take their colours from the page; figures bring a style sheet that darkens them in the
//! dark themes of Jupyter, VS Code and mdBook. Text is escaped.
//!
//! # Examples
//! ```
//! use double_descent::{dataset::Dataset, notebook::{LARGEST, ToHtml}, svd::Svd};
//!
//! let data = Dataset::diabetes();
//! let html = Svd::new(data.features())?.to_html();
//! assert!(html.contains("<table>") && html.len() < LARGEST);
//! # Ok::<(), double_descent::Error>(())
//! ```

mod curve;
mod data;
#[cfg(feature = "svg")]
mod figure;
mod fits;
mod reports;
mod rows;
mod table;
#[cfg(feature = "svg")]
mod thin;

use crate::error::words::counted;
use crate::machine::escape::escape;
#[cfg(feature = "svg")]
pub(crate) use thin::thinned;

/// The most bytes of HTML for one value, 128 KiB.
pub const LARGEST: usize = 1 << 17;

/// HTML for display in a notebook. Implement it for types of your own to display them in the same way.
pub trait ToHtml {
    /// One line that describes the value, without markup; a terminal shows only this line.
    fn headline(&self) -> String;

    /// The HTML below the headline: tables and figures. Text in it must be escaped already.
    fn body(&self) -> String;

    /// The headline and the body as HTML.
    fn to_html(&self) -> String {
        let line = self.headline();
        let line = if line.is_empty() { line } else { format!("<p>{}</p>\n", escape(&line)) };
        line + &self.body()
    }

    /// Prints the value for the evcxr notebook kernel, which calls this on the last value of a cell.
    fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT text/html\n{}\nEVCXR_END_CONTENT", self.to_html());
        println!("EVCXR_BEGIN_CONTENT text/plain\n{}\nEVCXR_END_CONTENT", self.headline());
    }
}

/// Defines the method on types of this crate, so that notebooks need not import the trait.
macro_rules! displayed {
    ($($type:ty),+ $(,)?) => {$(
        impl $type {
            /// Prints the value for the evcxr notebook kernel, which calls this on the last value of a cell
            /// ([`notebook`](crate::notebook)).
            pub fn evcxr_display(&self) {
                ToHtml::evcxr_display(self);
            }
        }
    )+};
}

displayed!(
    crate::complexity::Complexity,
    crate::curve::Cell,
    crate::curve::Curve,
    crate::curve::MedianPoint,
    crate::curve::ShapeReport,
    crate::curve::Summary,
    crate::curve::Surface,
    crate::dataset::Dataset,
    crate::diagnosis::Diagnosis,
    crate::factors::Contribution,
    crate::factors::Factors,
    crate::svd::Svd,
);
#[cfg(feature = "svg")]
displayed!(crate::plot::Figure);

/// Displays a list of such values one below the other, as many as fit into [`LARGEST`] bytes.
macro_rules! displayed_in_lists {
    ($($type:ty, $one:literal);+ $(;)?) => {$(
        impl ToHtml for [$type] {
            fn headline(&self) -> String {
                counted(self.len(), $one)
            }

            fn body(&self) -> String {
                one_below_the_other(self)
            }
        }
    )+};
}

displayed_in_lists!(
    crate::complexity::Complexity, "result";
    crate::curve::Curve, "curve";
    crate::curve::ShapeReport, "report";
    crate::curve::MedianPoint, "point";
    crate::curve::Surface, "surface";
    crate::dataset::Dataset, "data set";
    crate::diagnosis::Diagnosis, "report";
    crate::factors::Factors, "fit";
    crate::svd::Svd, "factorisation";
);
#[cfg(feature = "svg")]
displayed_in_lists!(crate::plot::Figure, "figure");

fn one_below_the_other<T: ToHtml>(values: &[T]) -> String {
    /// Room for the headline and the last line.
    const ROOM: usize = LARGEST - 200;
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        let html = value.to_html();
        if out.len() + html.len() > ROOM {
            return out + &format!("<p>… {} more …</p>\n", values.len() - i);
        }
        out += &html;
    }
    out
}

impl<T: ToHtml> ToHtml for Option<T> {
    fn headline(&self) -> String {
        self.as_ref().map_or_else(|| "None".into(), ToHtml::headline)
    }

    fn body(&self) -> String {
        self.as_ref().map_or_else(String::new, ToHtml::body)
    }
}

impl<T: ToHtml> ToHtml for Result<T, crate::Error> {
    fn headline(&self) -> String {
        match self {
            Ok(value) => value.headline(),
            Err(error) => format!("Error: {error}"),
        }
    }

    fn body(&self) -> String {
        self.as_ref().map_or_else(|_| String::new(), ToHtml::body)
    }
}

impl<T> ToHtml for Vec<T>
where
    [T]: ToHtml,
{
    fn headline(&self) -> String {
        self.as_slice().headline()
    }

    fn body(&self) -> String {
        self.as_slice().body()
    }
}

impl<T: ToHtml + ?Sized> ToHtml for &T {
    fn headline(&self) -> String {
        (**self).headline()
    }

    fn body(&self) -> String {
        (**self).body()
    }
}
