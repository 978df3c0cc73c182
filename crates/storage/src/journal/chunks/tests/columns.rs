//! Columns of numbers.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::column::{Left, fold, put, put_column, put_steps, unfold};

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..3u64, 2 => 0..300u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

proptest! {
    #[test]
    fn columns_give_back_what_was_put_in_chunks(numbers in vec(number(), 0..200)) {
        let mut out = Vec::new();
        put_column(&mut out, numbers.iter().copied());
        put_steps(&mut out, numbers.iter().copied());
        numbers.iter().for_each(|number| put(&mut out, *number));
        let mut left = Left(&out);
        prop_assert_eq!(&left.column(numbers.len()).unwrap(), &numbers);
        prop_assert_eq!(&left.steps(numbers.len()).unwrap(), &numbers);
        for number in &numbers {
            prop_assert_eq!(left.number().unwrap(), *number);
            prop_assert_eq!(unfold(fold(*number)), *number);
        }
        prop_assert!(left.end().is_ok());
    }

    #[test]
    fn columns_of_chunks_are_never_longer_than_expected(
        bytes in vec(prop_oneof![any::<u8>(), 0..8u8], 0..60),
        count in 0..100usize,
    ) {
        let mut left = Left(&bytes);
        if let Ok(numbers) = left.column(count) {
            prop_assert_eq!(numbers.len(), count);
        }
    }
}

#[test]
fn columns_of_chunks_take_few_bytes() {
    let cases: [(Vec<u64>, usize); 5] = [
        (vec![], 0),
        (vec![200; 1000], 4),
        ((0..1000).collect(), 5),
        (vec![7], 2),
        ([vec![1; 500], vec![9, 8], vec![1; 500]].concat(), 3 + 3 + 3),
    ];
    for (numbers, most) in cases {
        let (mut plain, mut steps) = (Vec::new(), Vec::new());
        put_column(&mut plain, numbers.iter().copied());
        put_steps(&mut steps, numbers.iter().copied());
        assert!(plain.len().min(steps.len()) <= most, "{numbers:?}: {plain:?} {steps:?}");
    }
}

#[test]
fn what_is_no_column_is_refused_in_chunks() {
    for (bytes, count) in [
        (&[][..], 1),
        (&[0], 1),
        (&[1], 1),
        (&[4], 2),
        (&[6, 7], 2),
        (&[5, 7], 2),
        (&[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 7], 5),
        (&[0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x03, 7], 5),
        (&[0xFF; 30], 5),
    ] {
        assert!(Left(bytes).column(count).is_err(), "{bytes:?}");
    }
}
