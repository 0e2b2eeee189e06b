//! Data sets read from files in a folder: California housing, WHO life expectancy.

use super::{BlankCells, CsvOptions, Dataset};
use crate::Error;
use std::path::Path;

/// The 17 features of the WHO study; names are compared with outer blanks trimmed and inner ones collapsed.
const WHO_FEATURES: [&str; 17] = [
    "Adult Mortality",
    "infant deaths",
    "Alcohol",
    "percentage expenditure",
    "Hepatitis B",
    "Measles",
    "BMI",
    "under-five deaths",
    "Polio",
    "Total expenditure",
    "Diphtheria",
    "HIV/AIDS",
    "GDP",
    "Population",
    "thinness 1-19 years",
    "thinness 5-9 years",
    "Schooling",
];

impl Dataset {
    /// California housing (Pace & Barry 1997): 20,640 districts, 8 features, the target is the median
    /// house value in 100,000 dollars. Reads `california_housing.csv` in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, and those of [`Dataset::read_csv`].
    pub fn california_housing(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let options = CsvOptions::default().with_target("MedHouseVal");
        Self::read_csv(folder.join("california_housing.csv"), &options)
            .map(|data| data.renamed("california-housing"))
    }

    /// WHO life expectancy: 17 health and wealth figures per country and year, 1,649 rows after
    /// those with a blank cell (in any column) are dropped; the target is life expectancy in years.
    /// Reads `who_life_expectancy.csv` in `folder`.
    ///
    /// Column scales differ by ten powers of ten, so training sets have condition numbers of 1e10.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, and those of [`Dataset::read_csv`].
    pub fn who_life_expectancy(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let options = CsvOptions::default()
            .with_target("Life expectancy")
            .with_features(WHO_FEATURES)
            .with_missing([""; 0])
            .with_blank_cells(BlankCells::DropIncompleteRow);
        Self::read_csv(folder.join("who_life_expectancy.csv"), &options)
            .map(|data| data.renamed("who-life-expectancy"))
    }

    fn renamed(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }
}
