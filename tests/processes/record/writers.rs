//! Only one writer at a time, and errors in the work.

use super::child::child;
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::sweep::{Identity, Record};
use std::time::Duration;

#[test]
fn one_writer_at_a_time() {
    let folder = Folder::new("writers");
    let path = folder.0.join("numbers.record");
    let identity = Identity::new("numbers");
    let mut other = child("waits", &path, "");
    let mut waited = 0;
    // Wait for its first block.
    while !std::fs::read(&path).is_ok_and(|bytes| bytes.windows(8).any(|w| w == b"\xf1block\r\n"))
        && waited < 20_000
    {
        std::thread::sleep(Duration::from_millis(1));
        waited += 1;
    }
    let refused = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(matches!(&refused, Error::Io { path: named, .. } if *named == path), "{refused:?}");
    let says = format!("process {} ", other.id());
    assert!(refused.to_string().contains(&says) && refused.to_string().contains("wait"), "{says}: {refused}");
    other.kill().unwrap();
    other.wait().unwrap();
    // A kill leaves no lock and loses nothing.
    let record = Record::<Vec<f64>>::open(&path, &identity).unwrap();
    assert_eq!(record.get(0).unwrap(), Some(vec![1.0]));
    assert!(record.notices().is_empty());
    let refused = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(refused.to_string().contains(&format!("process {} ", std::process::id())), "{refused}");
    drop(record);
    assert!(Record::<Vec<f64>>::open(&path, &identity).is_ok());
}

#[test]
fn an_error_of_the_work_stops_a_run_and_keeps_the_rest() {
    let folder = Folder::new("work");
    let path = folder.0.join("numbers.record");
    let record = Record::<Vec<f64>>::open(&path, &Identity::new("numbers")).unwrap();
    let fails_at = |bad: usize| {
        move |range: std::ops::Range<usize>| {
            if range.contains(&bad) {
                return Err(Error::Empty { what: "the work" });
            }
            Ok(range.map(|index| vec![index as f64]).collect())
        }
    };
    assert_eq!(record.run(0..20, 3, Some(1), &(), fails_at(10)), Err(Error::Empty { what: "the work" }));
    assert_eq!(record.missing(0..20), (9..20).collect::<Vec<_>>());
    let too_few = |_: std::ops::Range<usize>| Ok(vec![vec![0.0]]);
    assert!(matches!(
        record.run(0..20, 3, Some(1), &(), too_few),
        Err(Error::Shape { expected: 3, found: 1, .. })
    ));
    let panics = |_: std::ops::Range<usize>| panic!("no numbers today");
    assert!(record.run(0..20, 3, Some(2), &(), panics).unwrap_err().to_string().contains("no numbers today"));
    assert_eq!(record.run(0..20, 100, Some(2), &(), fails_at(20)), Ok(true));
    assert_eq!(record.run(0..20, 0, None, &(), panics), Ok(true), "nothing is missing, nothing is called");
    for index in 0..20 {
        assert_eq!(record.get(index).unwrap(), Some(vec![index as f64]));
    }
    assert_eq!(record.get(20).unwrap(), None);
}
