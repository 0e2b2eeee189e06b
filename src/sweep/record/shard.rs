//! A part of a run, and how a process finds out which part it computes.

use crate::Error;
use crate::error::words::shown;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// One of the parts of a run: written `3/8`, the third of eight.
///
/// # Examples
/// ```
/// use double_descent::sweep::Shard;
///
/// let shard: Shard = "3/8".parse()?;
/// assert_eq!((shard.k(), shard.of()), (2, 8)); // k counts from 0
/// assert_eq!(shard.range(20), 5..7); // of 20 repeats
/// assert!("9/8".parse::<Shard>().is_err());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    of: usize,
    k: usize,
}

impl Shard {
    /// The `k`-th of `of` parts, with `k` from 0.
    ///
    /// # Errors
    /// [`Error::Domain`] for no parts, or a `k` that is not below `of`.
    pub fn new(k: usize, of: usize) -> Result<Self, Error> {
        if of == 0 {
            return Err(Error::Domain { what: "the number of shards", value: 0.0, must_be: "at least 1" });
        }
        if k >= of {
            let must_be = "at least 0 and below the number of shards";
            return Err(Error::Domain { what: "a shard", value: k as f64, must_be });
        }
        Ok(Self { of, k })
    }

    /// The number of this part, from 0.
    #[must_use]
    pub fn k(self) -> usize {
        self.k
    }

    /// The number of parts.
    #[must_use]
    pub fn of(self) -> usize {
        self.of
    }

    /// Its indices among `count`: `⌊k count / of⌋` up to `⌊(k + 1) count / of⌋`.
    #[must_use]
    pub fn range(self, count: usize) -> Range<usize> {
        // Quotient and remainder separately, since k · count may overflow.
        let (each, over) = (count / self.of, count % self.of);
        let start = |k: usize| {
            k * each + usize::try_from(k as u128 * over as u128 / self.of as u128).unwrap_or(usize::MAX)
        };
        start(self.k)..start(self.k + 1)
    }

    /// The parts, among `of`, that have any of these indices out of `count`; `indices` must be ascending.
    pub(super) fn with_any(indices: &[usize], of: usize, count: usize) -> Vec<Self> {
        // `⌊k count / of⌋ ≤ index` holds for all `k` below `(index + 1) of / count`; the last of them has the index.
        let part = |&index: &usize| {
            let most = ((index as u128 + 1) * of as u128).div_ceil(count.max(1) as u128);
            Self { of, k: usize::try_from(most).map_or(of, |most| most.min(of)).saturating_sub(1) }
        };
        let mut parts: Vec<Self> = indices.iter().map(part).collect();
        parts.dedup();
        parts
    }

    /// Finds this process's part from the environment variables that a job scheduler or MPI launcher sets.
    ///
    /// `of` is the number of tasks of an array. It is needed if the engine does not provide it (`HyperQueue`, PBS), or
    /// if only some tasks of an array are run again; tasks then count from 1.
    ///
    /// | engine | part | number of parts |
    /// |---|---|---|
    /// | `HyperQueue` | `HQ_TASK_ID` | `of` |
    /// | Slurm, job array | `SLURM_ARRAY_TASK_ID`, from `_MIN` in steps of `_STEP` | `SLURM_ARRAY_TASK_COUNT` |
    /// | PBS, job array | `PBS_ARRAY_INDEX` | `of` |
    /// | Open MPI | `OMPI_COMM_WORLD_RANK` | `OMPI_COMM_WORLD_SIZE` |
    /// | MPICH, Intel MPI | `PMI_RANK` | `PMI_SIZE` |
    /// | Slurm, `srun` | `SLURM_PROCID` | `SLURM_STEP_NUM_TASKS`, else `SLURM_NTASKS` |
    ///
    /// The first array in this order counts, and the first set of ranks. If an array task has several ranks, its part
    /// is divided among them: the number of parts is then that of the array times that of the ranks. Inside a
    /// `HyperQueue` task, Slurm's variables describe the worker and are ignored.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if no engine sets a variable, does not provide the number of parts, or sets variables
    /// that are inconsistent: an array with gaps, such as `--array=3,5`, without `of`.
    pub fn detect(of: Option<usize>) -> Result<Self, Error> {
        Self::detect_in(of, &|name| std::env::var(name).ok())
    }

    fn detect_in(of: Option<usize>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let variables = Variables(variable);
        let in_hyperqueue = variables.has("HQ_TASK_ID");
        let array = variables.array(of)?;
        let ranks = variables.ranks(in_hyperqueue)?;
        match (array, ranks) {
            (Some(array), Some(rank)) => {
                let too_many = || unsupported("more shards than can be counted".into());
                let of = array.of.checked_mul(rank.of).ok_or_else(too_many)?;
                Self::new(array.k * rank.of + rank.k, of)
            }
            (Some(shard), None) => Ok(shard),
            (None, Some(rank)) => match of {
                Some(of) if of != rank.of => Err(unsupported(format!(
                    "{of} shards are asked for, but this is one of {} ranks; leave the number out",
                    rank.of
                ))),
                _ => Ok(rank),
            },
            (None, None) => Err(unsupported(
                "no engine says which part of the work is this process's: none of HQ_TASK_ID, SLURM_ARRAY_TASK_ID, \
                 PBS_ARRAY_INDEX, OMPI_COMM_WORLD_RANK, PMI_RANK and SLURM_PROCID is set; name the part, as in 3/8"
                    .into(),
            )),
        }
    }
}

/// Access to the environment variables that an engine sets.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    fn has(&self, name: &str) -> bool {
        (self.0)(name).is_some()
    }

    fn count(&self, name: &str) -> Result<Option<usize>, Error> {
        let Some(text) = (self.0)(name) else { return Ok(None) };
        let number = text
            .trim()
            .parse()
            .map_err(|_| unsupported(format!("{name} is `{}`, not a whole number ≥ 0", shown(&text))))?;
        Ok(Some(number))
    }

    /// The place in an array of jobs or tasks.
    fn array(&self, of: Option<usize>) -> Result<Option<Shard>, Error> {
        for (name, engine) in
            [("HQ_TASK_ID", "HyperQueue"), ("SLURM_ARRAY_TASK_ID", "Slurm"), ("PBS_ARRAY_INDEX", "PBS")]
        {
            let Some(task) = self.count(name)? else { continue };
            return match of {
                Some(of) => from_one(name, task, of).map(Some),
                None if engine == "Slurm" => self.slurm_array(task).map(Some),
                None => Err(unsupported(format!(
                    "{engine} says that this is task {task}, but not of how many: name their number, as in auto/8"
                ))),
            };
        }
        Ok(None)
    }

    /// The place in a Slurm job array, from its bounds and step.
    fn slurm_array(&self, task: usize) -> Result<Shard, Error> {
        let value = |name: &str| {
            let missing = || unsupported(format!("SLURM_ARRAY_TASK_ID is set, but {name} is not"));
            self.count(name)?.ok_or_else(missing)
        };
        let [count, first, last] =
            ["SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX"].map(value);
        let (count, first, last) = (count?, first?, last?);
        let step = self.count("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
        let (reach, offset) = (last.checked_sub(first), task.checked_sub(first));
        let whole = reach.is_some_and(|reach| reach.is_multiple_of(step) && reach / step + 1 == count);
        match offset.filter(|offset| whole && offset.is_multiple_of(step)) {
            Some(offset) => Shard::new(offset / step, count),
            None => Err(unsupported(format!(
                "task {task} of a Slurm array of {count} from {first} to {last} in steps of {step}, which has gaps: name \
                 the number of shards of the whole, as in auto/8, and number the tasks from 1"
            ))),
        }
    }

    /// The rank among processes that were started together.
    fn ranks(&self, in_hyperqueue: bool) -> Result<Option<Shard>, Error> {
        for (rank, size) in [("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")] {
            if let (Some(rank), Some(size)) = (self.count(rank)?, self.count(size)?) {
                return Shard::new(rank, size).map(Some);
            }
        }
        // A batch script has a SLURM_PROCID too, but is a single process.
        if in_hyperqueue || !self.has("SLURM_STEP_ID") {
            return Ok(None);
        }
        let size = match self.count("SLURM_STEP_NUM_TASKS")? {
            Some(size) => Some(size),
            None => self.count("SLURM_NTASKS")?,
        };
        match (self.count("SLURM_PROCID")?, size) {
            (Some(rank), Some(size)) => Shard::new(rank, size).map(Some),
            _ => Ok(None),
        }
    }
}

/// The part of an array task, counted from 1.
fn from_one(name: &str, task: usize, of: usize) -> Result<Shard, Error> {
    match task.checked_sub(1) {
        Some(k) if k < of => Shard::new(k, of),
        _ => Err(unsupported(format!(
            "{name} is {task}, but tasks of {of} shards count from 1 to {of}: number the array so"
        ))),
    }
}

fn unsupported(reason: String) -> Error {
    Error::Unsupported { reason }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.k + 1, self.of)
    }
}

/// `3/8`, from `1/8` to `8/8`.
impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(k, of)| Some((k.parse::<usize>().ok()?, of.parse::<usize>().ok()?)));
        match numbers {
            Some((k, of)) if (1..=of).contains(&k) => Self::new(k - 1, of),
            _ => Err(unsupported(format!("`{}` is not a shard like 3/8, from 1/8 to 8/8", shown(text)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_a_partition() {
        for count in [0, 1, 6, 7, 100, 10_000] {
            for of in [1, 2, 7, 13, 20_000] {
                let mut next = 0;
                for k in 0..of {
                    let range = Shard::new(k, of).unwrap().range(count);
                    assert_eq!(range.start, next);
                    assert!(range.len().abs_diff(count / of) <= 1);
                    next = range.end;
                }
                assert_eq!(next, count);
            }
        }
        assert_eq!(Shard::new(1, 2).unwrap().range(usize::MAX).end, usize::MAX);
        let parts = Shard::with_any(&[0, 5, 6], 4, 20);
        assert_eq!(parts.iter().map(Shard::to_string).collect::<Vec<_>>(), ["1/4", "2/4"]);
        // Every part that its range says, among any number of parts.
        for (count, of) in [(1, 1), (5, 3), (7, 7), (20, 8), (3, 10), (100, 7)] {
            let indices: Vec<usize> = (0..count).filter(|index| index % 3 == 0).collect();
            let has_any = |shard: &Shard| indices.iter().any(|index| shard.range(count).contains(index));
            let expected: Vec<Shard> = (0..of).map(|k| Shard { of, k }).filter(has_any).collect();
            assert_eq!(Shard::with_any(&indices, of, count), expected);
        }
        for of in [100_000_000_000, usize::MAX] {
            let parts = Shard::with_any(&[0, 2], of, 4);
            assert!(parts.len() == 2 && parts[0].range(4) == (0..1) && parts[1].range(4) == (2..3));
        }
    }

    #[test]
    fn shards_are_read_and_written() {
        for text in ["1/1", "3/8", "10000/10000"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        for text in ["", "3", "0/8", "9/8", "-1/8", "3/8/1", "1/0", "a/b", "3/8\u{1b}"] {
            let words = text.parse::<Shard>().unwrap_err().to_string();
            assert!(words.contains("3/8") && !words.contains('\u{1b}'), "{words}");
        }
    }

    fn detected(of: Option<usize>, set: &[(&str, &str)]) -> Result<String, String> {
        let variable =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|&(_, value)| value.to_owned());
        Shard::detect_in(of, &variable).map(|shard| shard.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_engine_says_where_a_process_stands() {
        let array = |id, count, first, last, step| {
            [
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_COUNT", count),
                ("SLURM_ARRAY_TASK_MIN", first),
                ("SLURM_ARRAY_TASK_MAX", last),
                ("SLURM_ARRAY_TASK_STEP", step),
                // As in the batch script of a job with two tasks.
                ("SLURM_PROCID", "0"),
                ("SLURM_NTASKS", "2"),
            ]
        };
        let with =
            |more: &[(&'static str, &'static str)]| [&array("3", "8", "0", "7", "1")[..], more].concat();
        let ranks = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")];
        let step = [("SLURM_STEP_ID", "0"), ("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1")];
        let hq = [("HQ_TASK_ID", "5")];
        let pbs = [("PBS_ARRAY_INDEX", "5")];
        for (of, set, expected) in [
            (None, &array("3", "8", "0", "7", "1")[..], "4/8"),
            (None, &array("3", "8", "1", "8", "1"), "3/8"),
            (None, &array("20", "3", "10", "30", "10"), "2/3"),
            (Some(8), &array("5", "2", "3", "5", "1"), "5/8"),
            (Some(8), &hq, "5/8"),
            (Some(8), &pbs, "5/8"),
            (None, &ranks, "2/4"),
            (Some(4), &ranks, "2/4"),
            (None, &step, "2/2"),
            (None, &[("PMI_RANK", "0"), ("PMI_SIZE", "1")], "1/1"),
            (None, &[("SLURM_STEP_ID", "3"), ("SLURM_PROCID", "1"), ("SLURM_NTASKS", "3")], "2/3"),
            // The second of four ranks of the fourth task.
            (None, &with(&ranks), "14/32"),
            // A HyperQueue task on a worker that Slurm's srun started.
            (Some(8), &[&hq[..], &step, &array("1", "2", "1", "2", "1")].concat(), "5/8"),
            (Some(8), &[&hq[..], &ranks].concat(), "18/32"),
        ] {
            assert_eq!(detected(of, set).unwrap(), expected, "{of:?} {set:?}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let gaps = [
            ("SLURM_ARRAY_TASK_ID", "5"),
            ("SLURM_ARRAY_TASK_COUNT", "2"),
            ("SLURM_ARRAY_TASK_MIN", "3"),
            ("SLURM_ARRAY_TASK_MAX", "5"),
            ("SLURM_ARRAY_TASK_STEP", "1"),
        ];
        let ranks = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")];
        let beyond = [("PMI_RANK", "4"), ("PMI_SIZE", "4")];
        for (of, set, says) in [
            (None, &[][..], "no engine says"),
            (None, &gaps, "which has gaps"),
            (None, &[("HQ_TASK_ID", "5")], "auto/8"),
            (None, &[("PBS_ARRAY_INDEX", "5")], "auto/8"),
            (Some(8), &[("HQ_TASK_ID", "0")], "count from 1 to 8"),
            (Some(8), &[("HQ_TASK_ID", "9")], "count from 1 to 8"),
            (Some(8), &[("HQ_TASK_ID", "x\u{1b}")], "`x\\u{1b}`, not a whole number"),
            (None, &gaps[..1], "SLURM_ARRAY_TASK_COUNT is not"),
            (Some(3), &ranks, "one of 4 ranks"),
            (None, &beyond, "shard is 4"),
        ] {
            let words = detected(of, set).unwrap_err();
            assert!(words.contains(says), "no `{says}` in {words}");
        }
    }
}
