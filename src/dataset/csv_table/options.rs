//! How to read a CSV table.

/// What to do with a row in which a value is missing: a blank cell, or one spelled as
/// [`CsvOptions::with_missing`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BlankCells {
    /// An error that names line and column, for missing values in the columns in use.
    #[default]
    Refuse,
    /// Drop the row if a value is missing in a column in use.
    DropRow,
    /// Drop the row if a value is missing in any column, used or not.
    DropIncompleteRow,
}

/// Where the names of the columns are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Header {
    /// In the first line, which is refused where it looks like a row of data: numbers and missing
    /// values alone, or numbers in no order beside words.
    #[default]
    Checked,
    /// In the first line, whatever is in it.
    FirstLine,
    /// Nowhere: the first line is data, and the columns are named `c0, c1, …`.
    None,
}

/// What to do with a first column that has no name (or `Unnamed: 0` or `rownames`, as programs write it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UnnamedColumn {
    /// Left out if it counts the rows (said in [`Dataset::preparation`](super::Dataset::preparation)); an
    /// error if it has no name and holds whole numbers, each once, which may be row numbers out of order; a
    /// column like any other else.
    #[default]
    Detect,
    /// A column like any other.
    Keep,
    /// Left out, whatever it holds.
    LeaveOut,
}

/// How the bytes of a table stand for characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Encoding {
    /// UTF-8. A name in another encoding is an error where it is needed.
    #[default]
    Utf8,
    /// ISO 8859-1, one byte a character.
    Latin1,
}

/// Spellings of a missing value, besides a blank cell; capitals or not.
pub(super) const MISSING: [&str; 12] =
    ["NA", "N/A", "#N/A", "<NA>", "NaN", "null", "None", "\\N", "?", "-", "--", "."];

/// How to read a CSV table.
///
/// Column names compare with outer blanks trimmed and inner ones collapsed.
///
/// # Examples
/// ```
/// use double_descent::dataset::{BlankCells, CsvOptions, Dataset};
///
/// let text = "height;weight; age\n1,8;80;30\n1,6;NA;40\n";
/// let options = CsvOptions::default()
///     .with_delimiter(b';')
///     .with_decimal_comma(true)
///     .with_target("weight")
///     .with_features(["age", "height"])
///     .with_blank_cells(BlankCells::DropRow);
/// let data = Dataset::parse_csv("people", text.as_bytes(), &options)?;
/// assert_eq!(data.features().row(0).to_vec(), [30.0, 1.8]);
/// assert_eq!(data.len(), 1);
/// assert!(data.preparation().ends_with("1 row with missing values dropped"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
#[must_use]
pub struct CsvOptions {
    pub(super) delimiter: u8,
    pub(super) blanks_between_cells: bool,
    pub(super) header: Header,
    pub(super) unnamed_column: UnnamedColumn,
    pub(super) encoding: Encoding,
    pub(super) comment: Option<u8>,
    pub(super) decimal_comma: bool,
    pub(super) missing: Vec<String>,
    pub(super) targets: Vec<String>,
    pub(super) features: Vec<String>,
    pub(super) one_hot: Vec<String>,
    pub(super) left_out: Vec<String>,
    pub(super) blank_cells: BlankCells,
}

impl Default for CsvOptions {
    /// Comma; names in the first line; decimal point; the last column is the target, all others are
    /// features; missing values (blank, `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`, `null`, `None`, `\N`, `?`, `-`,
    /// `--`, `.`) are refused.
    fn default() -> Self {
        Self {
            delimiter: b',',
            blanks_between_cells: false,
            header: Header::Checked,
            unnamed_column: UnnamedColumn::Detect,
            encoding: Encoding::Utf8,
            comment: None,
            decimal_comma: false,
            missing: MISSING.map(Into::into).into(),
            targets: Vec::new(),
            features: Vec::new(),
            one_hot: Vec::new(),
            left_out: Vec::new(),
            blank_cells: BlankCells::Refuse,
        }
    }
}

impl CsvOptions {
    /// The byte between cells. A row may end in one more than it needs, if all do.
    pub fn with_delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self.blanks_between_cells = false;
        self
    }

    /// Cells are separated by one or more blanks or tabs, as in tables aligned for reading.
    pub fn with_blanks_between_cells(mut self) -> Self {
        self.blanks_between_cells = true;
        self.delimiter = b' ';
        self
    }

    /// Where the names of the columns are.
    pub fn with_header(mut self, header: Header) -> Self {
        self.header = header;
        self
    }

    /// What to do with a first column that has no name.
    pub fn with_unnamed_column(mut self, policy: UnnamedColumn) -> Self {
        self.unnamed_column = policy;
        self
    }

    /// How the bytes stand for characters.
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Lines that begin with this byte are skipped.
    pub fn with_comment(mut self, byte: u8) -> Self {
        self.comment = Some(byte);
        self
    }

    /// Whether numbers are written `0,5` in place of `0.5`.
    pub fn with_decimal_comma(mut self, comma: bool) -> Self {
        self.decimal_comma = comma;
        self
    }

    /// The spellings of a missing value, in place of those of [`CsvOptions::default`]. They compare as text
    /// without regard to capitals: `-999` is not `-999.0`. A blank cell is always a missing value.
    pub fn with_missing<S: Into<String>>(mut self, spellings: impl IntoIterator<Item = S>) -> Self {
        self.missing = spellings.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a target by name; without any, the last column is the target.
    pub fn with_target(mut self, name: impl Into<String>) -> Self {
        self.targets.push(name.into());
        self
    }

    /// The features by name, in this order; without any, every column that is no target.
    pub fn with_features<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.features = names.into_iter().map(Into::into).collect();
        self
    }

    /// Columns of words, by name. Each becomes one feature `column=word` per word of its rows in use, in
    /// the order of the words: 1 where the cell is that word, 0 elsewhere. They sum to a column of ones, so
    /// with an intercept, or two such columns, the features are dependent. A column that is not among
    /// [`CsvOptions::with_features`], where these are named, comes after them.
    pub fn with_one_hot<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.one_hot = names.into_iter().map(Into::into).collect();
        self
    }

    /// Columns that are neither features nor targets, by name, such as one that names the rows. Without a target by name,
    /// the target is the last of the others.
    ///
    /// ```
    /// use double_descent::dataset::{CsvOptions, Dataset};
    ///
    /// let text = "id,size,price,seen\nH1,3,2,yes\nH2,5,4,no\n";
    /// let options = CsvOptions::default().without_columns(["id", "seen"]);
    /// let data = Dataset::parse_csv("houses", text.as_bytes(), &options)?;
    /// assert_eq!((data.feature_names(), data.target_names()), (&["size".into()][..], &["price".into()][..]));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn without_columns<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.left_out = names.into_iter().map(Into::into).collect();
        self
    }

    /// What to do with rows in which a value is missing.
    pub fn with_blank_cells(mut self, policy: BlankCells) -> Self {
        self.blank_cells = policy;
        self
    }
}
