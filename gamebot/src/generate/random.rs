//! Dice that fall the same way for the same seed, and the ids that are made with them.

use chrono::{DateTime, Utc};

/// The start of Discord's own calendar, 2015-01-01, in milliseconds since 1970.
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

/// The generator `SplitMix64`: tiny, fast, and good enough for dice.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Independent dice for a part of the work.
    pub(super) fn fork(&mut self) -> Self {
        Self::new(self.next())
    }

    /// Independent dice for one of several purposes, which have different numbers.
    pub(super) fn fork_for(&mut self, purpose: u64) -> Self {
        let mut fork = Self::new(self.next() ^ purpose);
        fork.fork()
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included. `high` must not be below `low`.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let count = i64::from(high) - i64::from(low) + 1;
        // 31 random bits are many enough for the small ranges of this crate to be fair.
        let offset = (self.next() >> 33).cast_signed() % count;
        i32::try_from(i64::from(low) + offset).unwrap_or(low)
    }

    /// True in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: i32) -> bool {
        self.between(1, 100) <= percent
    }

    /// An index into a collection of `length` things, which must not be empty.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        usize::try_from(self.between(0, length - 1)).unwrap_or_default()
    }

    /// `count` different indices into a collection of `length` things, in random order.
    pub(super) fn indices(&mut self, length: usize, count: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..length).collect();
        for place in 0..count.min(length) {
            let other = place + self.index(length - place);
            indices.swap(place, other);
        }
        indices.truncate(count);
        indices
    }

    /// A UUID of version 7, which sorts by the time it was made at.
    pub(super) fn uuid_v7(&mut self, at: DateTime<Utc>) -> String {
        let millis = u128::from(at.timestamp_millis().max(0).cast_unsigned()) & 0xffff_ffff_ffff;
        uuid((millis << 80) | self.random_bits(80), 7)
    }

    /// A UUID of version 4, which is random as a whole.
    pub(super) fn uuid_v4(&mut self) -> String {
        uuid(self.random_bits(128), 4)
    }

    fn random_bits(&mut self, count: u32) -> u128 {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        bits >> (128 - count)
    }

    /// An id as Discord makes them for things that come into being at this time.
    pub(super) fn snowflake(&mut self, at: DateTime<Utc>) -> u64 {
        let millis = (at.timestamp_millis() - DISCORD_EPOCH_MS)
            .max(0)
            .cast_unsigned();
        (millis << 22) | (self.next() >> 42)
    }

    /// The id of something that came into being on Discord between 2016 and 2024.
    pub(super) fn old_snowflake(&mut self) -> u64 {
        const FIRST_DAY: i32 = 365;
        const LAST_DAY: i32 = 3650;
        const DAY_MS: i64 = 86_400_000;
        let day = i64::from(self.between(FIRST_DAY, LAST_DAY));
        let millis = day * DAY_MS + i64::from(self.between(0, 86_399_999));
        (millis.cast_unsigned() << 22) | (self.next() >> 42)
    }
}

/// Writes 128 bits as a UUID of the given version and of the usual variant.
fn uuid(bits: u128, version: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | (version << 76) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}
