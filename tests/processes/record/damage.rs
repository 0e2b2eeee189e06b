//! Files with changed bytes, versions or names.

use super::studies::{bytes, of_one_run, small, under};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::Metric;
use double_descent::rng::stream;
use double_descent::sweep::{Identity, Record};

/// Flips each byte once; at random, at about every fourth position, also removes it and truncates the file there. The
/// result is either bitwise that of one run after resuming, or a refusal. Damage to one block loses only that block.
#[test]
fn a_record_with_any_byte_changed() {
    let folder = Folder::new("changed");
    let (path, whole) = (folder.0.join("of.record"), folder.0.join("whole.record"));
    // Short blocks: no byte of a payload is looked at unless the checksum of all is right.
    let (mut sweep, _) = small();
    (sweep.samples, sweep.metrics) = (vec![5], vec![Metric::TestMse]);
    let expected = of_one_run(&sweep);
    sweep.record(&whole).unwrap().run(&()).unwrap();
    let good = std::fs::read(&whole).unwrap();
    let starts: Vec<usize> =
        (0..good.len() - 8).filter(|&at| good[at..].starts_with(b"\xf1block\r\n")).collect();
    assert_eq!(starts.len(), 4);
    let index_at = |start: usize| usize::from(good[start + 8]);
    let block_of = |at: usize| starts.iter().rev().find(|&&start| start <= at).map(|&start| index_at(start));
    let mut rng = stream(11, 0, 0);
    let mut refused = 0;
    let mut try_out = |content: &[u8], lost: Option<usize>, what: &str| {
        std::fs::write(&path, content).unwrap();
        let recording = match sweep.record(&path) {
            Ok(recording) => recording,
            Err(error @ Error::File { .. }) => {
                let words = error.to_string();
                assert!(
                    ["not a record", "header of this record is damaged", "newer version"]
                        .iter()
                        .any(|says| words.contains(says)),
                    "{what}: {words}"
                );
                assert_eq!(std::fs::read(&path).unwrap(), content, "{what}: what is refused stays as it is");
                refused += 1;
                return;
            }
            Err(error) => panic!("{what}: {error:?}"),
        };
        if let Some(lost) = lost {
            assert_eq!(recording.missing(), [lost], "{what}");
            assert_eq!(recording.notices().len(), 1, "{what}: {:?}", recording.notices());
        }
        assert!(bytes(&recording.run(&()).unwrap()) == expected, "{what}");
        drop(recording);
        // The repair is permanent.
        let again = sweep.record(&path).unwrap();
        assert!(again.missing().is_empty() && again.notices().is_empty(), "{what}: {:?}", again.notices());
    };
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << under(&mut rng, 8);
        try_out(&flipped, block_of(at), &format!("byte {at} flipped"));
        if under(&mut rng, 4) > 0 {
            continue;
        }
        let mut shorter = good.clone();
        shorter.remove(at);
        try_out(&shorter, block_of(at), &format!("byte {at} removed"));
        let cut = if starts.contains(&at) { None } else { block_of(at) };
        let after = starts.iter().filter(|&&start| start >= at).count();
        try_out(&good[..at], cut.filter(|_| after == 0), &format!("cut to {at} bytes"));
    }
    // A tail of zeros, as a power failure may leave, or of other bytes.
    for tail in [vec![0; 1000], vec![0xf1; 77], b"\xf1block\r\n".repeat(20)] {
        try_out(&[&good[..], &tail].concat(), None, "a tail");
    }
    println!("{} bytes, header {}, {refused} changes refused", good.len(), starts[0]);
    // Only changes in the header are refused; there are about 1.5 per byte. Changes of the writer's name are accepted.
    assert!(refused > 0 && refused < 2 * starts[0]);
}

/// If the file of a running record is removed, it is made again, unless another file has taken its name.
#[test]
#[cfg(unix)]
fn a_record_that_vanishes_is_made_again() {
    let folder = Folder::new("gone");
    let path = folder.0.join("deep/numbers.record");
    std::fs::create_dir(folder.0.join("deep")).unwrap();
    let identity = Identity::new("numbers");
    let record = Record::open(&path, &identity).unwrap();
    let numbers = |index: usize| vec![index as f64; index];
    (0..5).for_each(|index| record.append(index, &numbers(index)).unwrap());
    std::fs::remove_dir_all(folder.0.join("deep")).unwrap();
    record.append(5, &numbers(5)).unwrap();
    assert!(
        record.notices()[0].contains("vanished") && record.notices().len() == 1,
        "{:?}",
        record.notices()
    );
    for index in 0..6 {
        assert_eq!(record.get(index).unwrap(), Some(numbers(index)));
    }
    let refused = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(refused.to_string().contains("process"), "the lock goes along: {refused}");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "somebody else's").unwrap();
    let refused = record.append(6, &numbers(6)).unwrap_err();
    assert!(refused.to_string().contains("cannot be restored"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody else's");
}

/// If many block headers claimed the rest of the file, a reader would scan it again and again.
#[test]
fn a_file_made_to_be_slow_is_refused() {
    let folder = Folder::new("slow");
    let path = folder.0.join("numbers.record");
    let identity = Identity::new("numbers");
    let record = Record::<Vec<f64>>::open(&path, &identity).unwrap();
    drop(record);
    let header = std::fs::read(&path).unwrap();
    let count = 60_000_usize;
    let mut bytes = header.clone();
    for i in 0..count {
        let mut head = b"\xf1block\r\n".to_vec();
        head.extend((i as u64).to_le_bytes());
        head.extend(((count - 1 - i) as u64 * 36).to_le_bytes());
        head.extend([0; 4]);
        head.extend([0xab; 4]);
        let mut sum = flate2::Crc::new();
        sum.update(&head);
        head.extend(sum.sum().to_le_bytes());
        bytes.extend(head);
    }
    std::fs::write(&path, &bytes).unwrap();
    let begun = std::time::Instant::now();
    let error = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(error.to_string().contains("damaged throughout"), "{error}");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
