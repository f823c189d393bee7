//! The laws of a leaderboard, and its ties.

use chrono::{DateTime, TimeDelta, Utc};
use gamebot::statistics::{
    LeaderboardEntry, LeaderboardMetric, Standing, compare_ids, leaderboard,
};
use proptest::prelude::*;

const METRICS: [LeaderboardMetric; 5] = [
    LeaderboardMetric::Wins,
    LeaderboardMetric::WinRate,
    LeaderboardMetric::TotalScore,
    LeaderboardMetric::AverageGuesses,
    LeaderboardMetric::PerfectRounds,
];

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

fn everybody(entries: Vec<LeaderboardEntry>, metric: LeaderboardMetric) -> Vec<Standing> {
    leaderboard(entries, metric, usize::MAX)
}

fn ranks(standings: &[Standing]) -> Vec<(i64, &str)> {
    let ranks = standings.iter();
    ranks
        .map(|standing| (standing.rank, standing.entry.id.as_str()))
        .collect()
}

prop_compose! {
    /// Small numbers, so that many are equal.
    fn an_entry()(
        played in 1..8_i64, share in 0..4_i64, total_score in -2..3_i64, total_matches in 0..7_i64,
        per_match in 1..3_i64, perfect_rounds in 0..2_i64, hour in 0..2_i64,
    ) -> LeaderboardEntry {
        let games_won = played * share / 3;
        LeaderboardEntry {
            games_played: played,
            games_won,
            total_score,
            total_guesses: total_matches * per_match,
            total_matches,
            perfect_rounds,
            last_win_at: (games_won > 0).then(|| at(hour)),
            ..LeaderboardEntry::new(String::new())
        }
    }
}

/// Entries with ids of their own, of 1 to 3 digits.
fn some_entries() -> impl Strategy<Value = Vec<LeaderboardEntry>> {
    proptest::collection::vec(an_entry(), 0..30).prop_map(|mut entries| {
        for (index, entry) in entries.iter_mut().enumerate() {
            entry.id = (index * 7).to_string();
        }
        entries
    })
}

/// The entries, and the same ones in another order.
fn shuffled_entries() -> impl Strategy<Value = (Vec<LeaderboardEntry>, Vec<LeaderboardEntry>)> {
    some_entries().prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_of_the_entries_does_not_matter((entries, shuffled) in shuffled_entries()) {
        for metric in METRICS {
            prop_assert_eq!(
                everybody(entries.clone(), metric),
                everybody(shuffled.clone(), metric)
            );
        }
    }

    #[test]
    fn a_rank_is_one_more_than_the_number_of_those_with_a_better_rank(entries in some_entries()) {
        for metric in METRICS {
            let standings = everybody(entries.clone(), metric);
            for standing in &standings {
                let better = standings.iter().filter(|other| other.rank < standing.rank).count();
                prop_assert_eq!(standing.rank, i64::try_from(better).unwrap() + 1);
            }
        }
    }

    #[test]
    fn those_who_share_a_rank_are_equal_in_all_that_counts_and_stand_by_id(
        entries in some_entries(),
    ) {
        for metric in METRICS {
            let standings = everybody(entries.clone(), metric);
            for pair in standings.windows(2) {
                let [left, right] = [&pair[0].entry, &pair[1].entry];
                let is_same = pair[0].value.to_bits() == pair[1].value.to_bits()
                    && left.games_won == right.games_won
                    && left.total_guesses * right.total_matches
                        == right.total_guesses * left.total_matches
                    && (left.total_matches == 0) == (right.total_matches == 0)
                    && left.last_win_at == right.last_win_at;
                prop_assert_eq!(pair[0].rank == pair[1].rank, is_same, "{:?}", pair);
                prop_assert!(!is_same || compare_ids(&left.id, &right.id).is_lt());
            }
        }
    }

    #[test]
    fn a_shorter_leaderboard_is_the_beginning_of_a_longer_one(
        entries in some_entries(), limit in 0..40_usize,
    ) {
        for metric in METRICS {
            let whole = everybody(entries.clone(), metric);
            let first = limit.min(whole.len());
            prop_assert_eq!(leaderboard(entries.clone(), metric, limit), &whole[..first]);
        }
    }
}

fn won(id: &str, games_won: i64) -> LeaderboardEntry {
    LeaderboardEntry {
        games_played: 10,
        games_won,
        total_guesses: 20,
        total_matches: 10,
        last_win_at: Some(at(1)),
        ..LeaderboardEntry::new(id.to_owned())
    }
}

#[test]
fn a_shared_rank_leaves_out_the_next() {
    let entries = vec![won("4", 1), won("3", 5), won("2", 5), won("1", 7)];
    let standings = everybody(entries, LeaderboardMetric::Wins);
    assert_eq!(ranks(&standings), [(1, "1"), (2, "2"), (2, "3"), (4, "4")]);
}

#[test]
fn ties_are_broken_by_wins_then_average_then_last_win() {
    let with = |id: &str, change: fn(&mut LeaderboardEntry)| {
        let mut entry = LeaderboardEntry {
            total_score: 9,
            ..won(id, 3)
        };
        change(&mut entry);
        entry
    };
    let entries = vec![
        with("1", |entry| entry.last_win_at = None),
        with("2", |entry| entry.total_matches = 0),
        with("3", |entry| entry.last_win_at = Some(at(2))),
        with("5", |_| {}),
        with("6", |entry| entry.total_guesses = 19),
        with("7", |entry| {
            (entry.games_won, entry.total_guesses) = (4, 40);
        }),
        with("8", |entry| {
            (entry.total_score, entry.total_guesses) = (10, 99);
        }),
    ];
    let standings = everybody(entries, LeaderboardMetric::TotalScore);
    let expected = [
        (1, "8"),
        (2, "7"),
        (3, "6"),
        (4, "5"),
        (5, "3"),
        (6, "1"),
        (7, "2"),
    ];
    assert_eq!(ranks(&standings), expected);
}

#[test]
fn the_lower_id_is_the_smaller_number_and_not_the_earlier_text() {
    let entries = vec![won("100000000000000000", 1), won("99999999999999999", 1)];
    let standings = everybody(entries, LeaderboardMetric::Wins);
    let expected = [(1, "99999999999999999"), (1, "100000000000000000")];
    assert_eq!(ranks(&standings), expected);
}

#[test]
fn a_win_rate_takes_five_games_and_an_average_five_matches() {
    let entry = |id: &str, games_played, total_matches| LeaderboardEntry {
        games_played,
        games_won: games_played,
        total_matches,
        ..won(id, 0)
    };
    let entries = vec![entry("1", 4, 5), entry("2", 5, 4)];
    let rates = everybody(entries.clone(), LeaderboardMetric::WinRate);
    assert_eq!(ranks(&rates), [(1, "2")]);
    let averages = everybody(entries.clone(), LeaderboardMetric::AverageGuesses);
    assert_eq!(ranks(&averages), [(1, "1")]);
    assert_eq!(everybody(entries, LeaderboardMetric::Wins).len(), 2);
}

#[test]
fn rates_and_averages_are_compared_exactly() {
    // The two rates are the same double, but not the same number.
    let rate = |id: &str, games_won, games_played| LeaderboardEntry {
        games_won,
        games_played,
        ..LeaderboardEntry::new(id.to_owned())
    };
    let third = rate("1", 1_000_000_000_000_000_001, 3_000_000_000_000_000_000);
    let entries = vec![
        rate("2", 1_000_000_000_000_000_000, 3_000_000_000_000_000_000),
        third,
    ];
    let standings = everybody(entries, LeaderboardMetric::WinRate);
    assert_eq!(ranks(&standings), [(1, "1"), (2, "2")]);
    assert_eq!(standings[0].value.to_bits(), standings[1].value.to_bits());
}
