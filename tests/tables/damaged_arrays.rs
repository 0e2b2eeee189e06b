//! Array files with bytes changed, cut, repeated or assembled at random: every reader terminates, and no two readers
//! disagree. The seeds are those of the fuzz target.

use crate::common::any_bytes::{read_by_all, wrapped};
use crate::common::program::Folder;
use double_descent::rng::stream;
use rand::{Rng, RngExt};

const SEEDS: [&[u8]; 7] = [
    include_bytes!("../../fuzz/seeds/arrays/half"),
    include_bytes!("../../fuzz/seeds/arrays/native_packed"),
    include_bytes!("../../fuzz/seeds/arrays/archive"),
    include_bytes!("../../fuzz/seeds/arrays/idx"),
    include_bytes!("../../fuzz/seeds/arrays/idx_packed"),
    include_bytes!("../../fuzz/seeds/arrays/images_in_archive"),
    include_bytes!("../../fuzz/seeds/arrays/labels_in_archive"),
];

/// The most revealing replacements: small numbers, limits of integer types, words of headers.
const WORDS: [&[u8]; 16] = [
    b"\0",
    b"\x01",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\x80",
    b"9999999999",
    b"18446744073709551615",
    b"4611686018427387904",
    b", 0",
    b"True",
    b">f8",
    b"PK\x05\x06",
    b"PK\x01\x02",
    b"\x1f\x8b",
];

fn mutated(rng: &mut impl Rng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..rng.random_range(1..6) {
        let place = rng.random_range(0..=bytes.len());
        match rng.random_range(0..7) {
            0 | 1 if place < bytes.len() => bytes[place] ^= 1 << rng.random_range(0..8),
            2 if place < bytes.len() => bytes[place] = rng.random(),
            3 => bytes.truncate(place),
            4 => {
                let word = WORDS[rng.random_range(0..WORDS.len())];
                let end = (place + word.len()).min(bytes.len());
                bytes.splice(place..end, word.iter().copied());
            }
            5 => {
                let word = WORDS[rng.random_range(0..WORDS.len())];
                bytes.splice(place..place, word.iter().copied());
            }
            _ => {
                let end = (place + rng.random_range(0..40)).min(bytes.len());
                let part = bytes[place..end].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}

#[test]
fn every_reader_ends_and_all_agree() {
    let folder = Folder::new("arrays-damaged");
    let path = folder.0.join("x");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read_by_all(&path)
    };
    let whole: usize = SEEDS.iter().map(|seed| read(&wrapped(seed[0], &seed[1..]))).sum();
    // Two arrays from one archive, four from two others, and four files of one array each.
    assert_eq!(whole, 2 + 4 + 4 + 4);
    let mut made = 0;
    for case in 0..CASES {
        let mut rng = stream(1, case, 0);
        let seed = SEEDS[case % SEEDS.len()];
        // Damaged before packing, after packing, or both.
        let content = if case % 3 > 0 { mutated(&mut rng, seed[1..].to_vec()) } else { seed[1..].to_vec() };
        let file = wrapped(seed[0], &content);
        made += usize::from(read(&if case % 3 < 2 { mutated(&mut rng, file) } else { file }) > 0);
    }
    assert!(made > CASES / 50, "{made} of {CASES} were read");
}

const CASES: usize = 2000;
