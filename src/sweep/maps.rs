//! Raw inputs → features, for each repeat.

use crate::features::{FeatureMap, checked};
use crate::{Error, error::user_code};
use ndarray::{Array2, ArrayRef2, s};
use std::fmt;
use std::sync::Arc;

/// The feature map of each repeat: none (the inputs are the features), one for all repeats, or one drawn afresh for each.
///
/// # Examples
/// ```
/// use double_descent::features::RandomFourier;
/// use double_descent::sweep::Maps;
///
/// let drawn = Maps::drawn(|repeat| RandomFourier::gaussian(10, 200, 0.1, repeat as u64));
/// assert!(drawn.of(0)?.is_some() && Maps::none().of(0)?.is_none());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone)]
pub struct Maps(Kind);

#[derive(Clone)]
enum Kind {
    None,
    Same(Arc<dyn FeatureMap>),
    Drawn(Arc<MapOf>),
}

type MapOf = dyn Fn(usize) -> Result<Arc<dyn FeatureMap>, Error> + Send + Sync;

impl Maps {
    /// The inputs themselves are the features.
    #[must_use]
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// Drawn anew: `draw(repeat)` is the map of that repeat, always the same one.
    pub fn drawn<M: FeatureMap + 'static>(
        draw: impl Fn(usize) -> Result<M, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Drawn(Arc::new(move |repeat| {
            draw(repeat).map(|map| Arc::new(map) as Arc<dyn FeatureMap>)
        })))
    }

    /// One map for all repeats.
    pub fn same(map: impl FeatureMap + 'static) -> Self {
        Self(Kind::Same(Arc::new(map)))
    }

    /// The map of a repeat; `None` where the inputs are the features.
    ///
    /// # Errors
    /// Those of drawing it.
    pub fn of(&self, repeat: usize) -> Result<Option<Arc<dyn FeatureMap>>, Error> {
        match &self.0 {
            Kind::None => Ok(None),
            Kind::Same(map) => Ok(Some(Arc::clone(map))),
            Kind::Drawn(draw) => {
                user_code::call(|| format!("the drawing of the map of repeat {repeat}"), || draw(repeat))?
                    .map(Some)
            }
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.0, Kind::None)
    }

    /// Whether every repeat has one of its own.
    pub(super) fn is_drawn(&self) -> bool {
        matches!(self.0, Kind::Drawn(_))
    }

    /// In words, for a caption; `None` where there is none.
    pub(super) fn describe(&self) -> Option<String> {
        match self.of(0) {
            Ok(map) => map.map(|map| user_code::description(|| map.describe())),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// The first `p` features of some inputs: of a map, or the leading inputs themselves.
///
/// # Errors
/// Those of the map; [`Error::Shape`] for more features than inputs without one.
pub(super) fn design(
    map: Option<&dyn FeatureMap>,
    inputs: &ArrayRef2<f64>,
    p: usize,
) -> Result<Array2<f64>, Error> {
    if let Some(map) = map {
        return checked::design(map, inputs, p);
    }
    if p > inputs.ncols() {
        return Err(Error::Shape { what: "features, of as many inputs", expected: inputs.ncols(), found: p });
    }
    Ok(inputs.slice(s![.., ..p]).as_standard_layout().into_owned())
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Maps").field(&self.of(0)).finish()
    }
}
