//! Feature maps from raw inputs to features, for each repeat.

use crate::features::{FeatureMap, checked};
use crate::{Error, error::user_code};
use ndarray::{Array2, ArrayRef2, s};
use std::fmt;
use std::sync::Arc;

/// The feature map of each repeat.
///
/// There is none (the inputs are the features), one for all repeats, one drawn afresh for each repeat or each member of
/// an ensemble, or one fitted to the training inputs of each cell.
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
    /// For a repeat and a member of an ensemble.
    Drawn(Arc<MapOf>),
    /// From a cell's training inputs and feature count.
    Fitted(String, Arc<FitOf>),
}

type MapOf = dyn Fn(usize, usize) -> Result<Arc<dyn FeatureMap>, Error> + Send + Sync;
type FitOf = dyn Fn(&ArrayRef2<f64>, usize) -> Result<Arc<dyn FeatureMap>, Error> + Send + Sync;

impl Maps {
    /// No map: the inputs themselves are the features.
    #[must_use]
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// A map drawn afresh for each repeat: `draw(repeat)` must always return the same map for the same repeat.
    ///
    /// If a draw fails, the cells of its repeat report the error.
    pub fn drawn<M: FeatureMap + 'static>(
        draw: impl Fn(usize) -> Result<M, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::members(move |repeat, _| draw(repeat))
    }

    /// A map drawn afresh for each member of an ensemble ([`Parameter::members`](super::Parameter::members)).
    ///
    /// `draw(repeat, member)` counts members from 0. Fits outside an ensemble use the map of member 0.
    pub fn members<M: FeatureMap + 'static>(
        draw: impl Fn(usize, usize) -> Result<M, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Drawn(Arc::new(move |repeat, member| {
            draw(repeat, member).map(|map| Arc::new(map) as Arc<dyn FeatureMap>)
        })))
    }

    /// A map fitted to data, such as a spline whose knots are quantiles.
    ///
    /// `fit(inputs, p)` returns the map to `p` features for a cell with these training inputs (`n × d`). Such maps are
    /// not nested: each cell has its own factorisation. `describe` is the map's name in captions.
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::NaturalSpline;
    /// use double_descent::sweep::Maps;
    ///
    /// let ends = (-5.0, 5.0);
    /// let maps = Maps::fitted("natural splines, knots at quantiles", move |x, p| {
    ///     NaturalSpline::at_quantiles_within(x, p, ends)
    /// });
    /// assert!(maps.of(0).is_err()); // a fitted map needs training inputs
    /// ```
    pub fn fitted<M: FeatureMap + 'static>(
        describe: impl Into<String>,
        fit: impl Fn(&ArrayRef2<f64>, usize) -> Result<M, Error> + Send + Sync + 'static,
    ) -> Self {
        let fit = move |inputs: &ArrayRef2<f64>, p: usize| {
            fit(inputs, p).map(|map| Arc::new(map) as Arc<dyn FeatureMap>)
        };
        Self(Kind::Fitted(describe.into(), Arc::new(fit)))
    }

    /// One map for all repeats.
    pub fn same(map: impl FeatureMap + 'static) -> Self {
        Self(Kind::Same(Arc::new(map)))
    }

    /// The map of a repeat; `None` if the inputs are the features.
    ///
    /// # Errors
    /// Those of drawing it, or [`Error::UserCode`] if that panics; [`Error::Unsupported`] for a map that is fitted to
    /// the training inputs of each cell.
    pub fn of(&self, repeat: usize) -> Result<Option<Arc<dyn FeatureMap>>, Error> {
        self.of_member(repeat, 0)
    }

    /// The map of a member of an ensemble.
    pub(super) fn of_member(
        &self,
        repeat: usize,
        member: usize,
    ) -> Result<Option<Arc<dyn FeatureMap>>, Error> {
        match &self.0 {
            Kind::None => Ok(None),
            Kind::Same(map) => Ok(Some(Arc::clone(map))),
            Kind::Drawn(draw) => {
                let part = || format!("the drawing of the map of repeat {repeat}");
                user_code::call(part, || draw(repeat, member))?.map(Some)
            }
            Kind::Fitted(..) => {
                let reason =
                    "the feature map is fitted to the training inputs of each cell, but there are none here";
                Err(Error::Unsupported { reason: reason.into() })
            }
        }
    }

    /// The map of a repeat to `p` features, for cells with the training inputs that `inputs` returns.
    pub(super) fn of_cell(
        &self,
        repeat: usize,
        inputs: impl FnOnce() -> Array2<f64>,
        p: usize,
    ) -> Result<Option<Arc<dyn FeatureMap>>, Error> {
        let Kind::Fitted(_, fit) = &self.0 else { return self.of(repeat) };
        let part = || format!("the fitting of the map of repeat {repeat} to {p} features");
        user_code::call(part, || fit(&inputs(), p))?.map(Some)
    }

    /// The maximum number of features of the first map. There is no limit if it is unknown before there are data, or if
    /// the map cannot be drawn; its cells then report that error.
    pub(super) fn most_features(&self) -> usize {
        if self.is_fitted() {
            return usize::MAX;
        }
        let first = self.of(0).ok().flatten();
        first.and_then(|map| checked::most_features(&*map).ok()).unwrap_or(usize::MAX)
    }

    /// Whether there is no map.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.0, Kind::None)
    }

    /// Whether each repeat has its own map.
    pub(super) fn is_drawn(&self) -> bool {
        matches!(self.0, Kind::Drawn(_))
    }

    /// Whether each cell has a map fitted to it.
    pub(super) fn is_fitted(&self) -> bool {
        matches!(self.0, Kind::Fitted(..))
    }

    /// The map in words, for a caption; `None` if there is no map. One map for all repeats has its seed stated.
    pub(super) fn describe(&self) -> Option<String> {
        if let Kind::Fitted(words, _) = &self.0 {
            return Some(words.clone());
        }
        let words = |map: Arc<dyn FeatureMap>| {
            let seed = if self.is_drawn() { None } else { map.seed() };
            map.describe() + &seed.map_or(String::new(), |seed| format!(", seed {seed}"))
        };
        match self.of(0) {
            Ok(map) => map.map(|map| user_code::description(|| words(map))),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// The first `p` features of some inputs: those of the map, or the leading inputs themselves.
///
/// # Errors
/// Those of the map; [`Error::Shape`] if there is no map and `p` exceeds the number of inputs.
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
