//! What values look like as the last line of a notebook cell.
//!
//! The [evcxr](https://github.com/evcxr/evcxr) kernel calls `evcxr_display` on the value that a cell ends with. Every type
//! that a reader ends a cell with has it: [`Curve`](crate::curve::Curve), [`Surface`](crate::curve::Surface), figures,
//! reports, factorisations, data sets. Values inside a `Vec`, an `Option` or a `Result` have no method of their own; with
//! the trait in scope, `use double_descent::notebook::ToHtml`, they draw themselves as well.
//!
//! Whatever the size of the value, its HTML is small: at most [`LARGEST`] bytes. Tables show their first and last rows; of a
//! long curve every point that is an extreme of its neighbourhood is drawn, of a large heat map an even selection of rows
//! and columns. Tables take their colours from the page, and figures are turned dark by the style sheet that they bring
//! where Jupyter, VS Code or mdBook is dark. Text is escaped.
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

use crate::machine::escape::escape;
#[cfg(feature = "svg")]
pub(crate) use thin::thinned;

/// The HTML of a value has at most so many bytes, 128 KiB.
pub const LARGEST: usize = 1 << 17;

/// A value as a notebook shows it.
pub trait ToHtml {
    /// One line that says what the value is, without markup: all that a terminal shows.
    fn headline(&self) -> String;

    /// What stands under the line: tables and figures, as HTML.
    fn body(&self) -> String;

    /// Line and body as HTML.
    fn to_html(&self) -> String {
        let line = self.headline();
        let line = if line.is_empty() { line } else { format!("<p>{}</p>\n", escape(&line)) };
        line + &self.body()
    }

    /// Prints the value for a notebook with the evcxr kernel, which calls this on the last value of a cell.
    fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT text/html\n{}\nEVCXR_END_CONTENT", self.to_html());
        println!("EVCXR_BEGIN_CONTENT text/plain\n{}\nEVCXR_END_CONTENT", self.headline());
    }
}

/// The method for types of this crate, so that notebooks need no trait in scope.
macro_rules! displayed {
    ($($type:ty),+ $(,)?) => {$(
        impl $type {
            /// Prints it for a notebook with the evcxr kernel, which calls this on the last value of a cell
            /// ([`notebook`](crate::notebook)).
            pub fn evcxr_display(&self) {
                ToHtml::evcxr_display(self);
            }
        }
    )+};
}

displayed!(
    crate::complexity::Complexity,
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
