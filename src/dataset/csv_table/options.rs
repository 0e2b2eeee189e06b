//! How to read a CSV table.

/// What to do with a row that lacks a value. A value is missing if its cell is blank or has one of the spellings
/// of [`CsvOptions::with_missing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BlankCells {
    /// Return an error with line and column for a missing value in a column in use.
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
    /// In the first line, which is refused if it looks like a row of data: only numbers and missing
    /// values, or unordered numbers next to words.
    #[default]
    Checked,
    /// In the first line, whatever it contains.
    FirstLine,
    /// Nowhere: the first line is data, and the columns are named `c0, c1, …`.
    None,
}

/// What to do with a first column that has no name (or the name `Unnamed: 0` or `rownames`, which programs write).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UnnamedColumn {
    /// Leave it out if it counts the rows ([`Dataset::preparation`](super::Dataset::preparation) then says so).
    /// Return an error if it holds other whole numbers: they may be row numbers out of order, with gaps or repeated, or
    /// number groups of rows. Otherwise treat it as an ordinary column.
    #[default]
    Detect,
    /// Treat it as an ordinary column.
    Keep,
    /// Leave it out, whatever it holds.
    LeaveOut,
}

/// Character encoding of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Encoding {
    /// UTF-8. A name in another encoding is an error if it is needed.
    #[default]
    Utf8,
    /// ISO 8859-1, one byte per character.
    Latin1,
}

/// Spellings of a missing value, other than a blank cell; case does not matter.
pub(super) const MISSING: [&str; 12] =
    ["NA", "N/A", "#N/A", "<NA>", "NaN", "null", "None", "\\N", "?", "-", "--", "."];

/// How to read a CSV table.
///
/// Column names are compared with outer blanks trimmed and inner ones collapsed.
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
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
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
    pub(super) class: Option<String>,
    pub(super) features: Vec<String>,
    pub(super) one_hot: Vec<String>,
    pub(super) left_out: Vec<String>,
    pub(super) blank_cells: BlankCells,
}

impl Default for CsvOptions {
    /// Comma as delimiter; names in the first line; decimal point; the last column is the target, all others are
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
            class: None,
            features: Vec::new(),
            one_hot: Vec::new(),
            left_out: Vec::new(),
            blank_cells: BlankCells::Refuse,
        }
    }
}

impl CsvOptions {
    /// Sets the byte between cells. Rows may end in an extra delimiter, if all do. A first line `sep=;`, which Excel
    /// reads and writes, names the delimiter itself and takes precedence.
    pub fn with_delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self.blanks_between_cells = false;
        self
    }

    /// Separates cells by one or more blanks or tabs, as in aligned tables.
    pub fn with_blanks_between_cells(mut self) -> Self {
        self.blanks_between_cells = true;
        self.delimiter = b' ';
        self
    }

    /// Sets where the names of the columns are.
    pub fn with_header(mut self, header: Header) -> Self {
        self.header = header;
        self
    }

    /// Sets what to do with a first column that has no name.
    pub fn with_unnamed_column(mut self, policy: UnnamedColumn) -> Self {
        self.unnamed_column = policy;
        self
    }

    /// Sets the character encoding.
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Skips lines that begin with this byte.
    pub fn with_comment(mut self, byte: u8) -> Self {
        self.comment = Some(byte);
        self
    }

    /// Sets whether numbers are written `0,5` instead of `0.5`.
    pub fn with_decimal_comma(mut self, comma: bool) -> Self {
        self.decimal_comma = comma;
        self
    }

    /// Sets the spellings of a missing value, instead of those of [`CsvOptions::default`]. Numbers are compared by value
    /// (`-999` is also `-999.0`), words as text, ignoring case. A blank cell is always a missing value. A spelling that
    /// is not in the default list and that no cell has is named in
    /// [`Dataset::preparation`](super::Dataset::preparation).
    pub fn with_missing<S: Into<String>>(mut self, spellings: impl IntoIterator<Item = S>) -> Self {
        self.missing = spellings.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a target by name; by default the last column is the target.
    pub fn with_target(mut self, name: impl Into<String>) -> Self {
        self.targets.push(name.into());
        self
    }

    /// Makes one class against the rest the target: 1 in rows whose target cell is this word, 0 in all others. There
    /// must be exactly one target column. Words are compared as text, with outer blanks trimmed: in a column of
    /// numbers, `1` is not `1.0`. Missing values are never a class; what happens to their rows is up to
    /// [`CsvOptions::with_blank_cells`]. The target is then named `column=word`, and
    /// [`Dataset::preparation`](super::Dataset::preparation) states the class.
    ///
    /// ```
    /// use double_descent::dataset::{CsvOptions, Dataset};
    ///
    /// let text = "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,virginica\n";
    /// let options = CsvOptions::default().with_class("versicolor");
    /// let data = Dataset::parse_csv("iris", text.as_bytes(), &options)?;
    /// assert_eq!(data.targets().column(0).to_vec(), [0.0, 1.0, 0.0]);
    /// assert_eq!(data.target_names(), ["species=versicolor"]);
    /// assert!(data.preparation().ends_with("target 1 where species is versicolor, 0 elsewhere"));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_class(mut self, word: impl Into<String>) -> Self {
        self.class = Some(word.into());
        self
    }

    /// Sets the features by name, in this order; by default every column that is not a target.
    pub fn with_features<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.features = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the word columns, by name. Each becomes one feature `column=word` for every word in the rows in use, sorted
    /// by word: 1 where the cell is that word, 0 elsewhere. These features sum to a column of ones, so together with an
    /// intercept, or with a second word column, the features are dependent. If [`CsvOptions::with_features`] is used
    /// and does not name a word column, that column comes after the named ones.
    pub fn with_one_hot<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.one_hot = names.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves out columns by name, such as one that names the rows; they are neither features nor targets. If no target
    /// is named, it is the last of the remaining columns.
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

    /// Sets what to do with rows that lack a value.
    pub fn with_blank_cells(mut self, policy: BlankCells) -> Self {
        self.blank_cells = policy;
        self
    }
}
