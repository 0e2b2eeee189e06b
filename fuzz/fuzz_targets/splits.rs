//! Any bytes read as a file of recorded splits. The result must be orders of distinct rows, or an error that can be
//! printed.
#![no_main]

use double_descent::sweep::Splits;
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("double-descent-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("a temporary file");
    match Splits::read(&path) {
        Ok(splits) => {
            assert!(splits.repeats() > 0);
            for (rows, longest) in [(442, 1), (442, 3), (3, 2), (0, 0), (usize::MAX, 5)] {
                let Ok(orders) = splits.orders(rows, longest) else { continue };
                assert_eq!(orders.len(), splits.repeats());
                for order in orders {
                    let used = &order[..longest];
                    assert!(used.iter().all(|row| *row < rows));
                    assert_eq!(used.iter().collect::<HashSet<_>>().len(), longest);
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
