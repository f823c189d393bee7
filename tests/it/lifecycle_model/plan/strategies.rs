//! How plans are made up, and shrunk.

use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::{
    Again, AppendPlan, ChangePlan, EventPlan, ExpectedPlan, FollowerPlan, GuildPlan, KindPlan,
    PartPlan, Plan, ReadPlan, SettingsPlan, Step, TYPES, WalkerPlan, Whose, Write,
};
use crate::lifecycle_model::wish::{Wish, wishes};

/// A case of so many steps.
pub(in super::super) fn plans(step_count: Range<usize>) -> impl Strategy<Value = Plan> {
    let followers = vec(followers(), 0..6).prop_map(|mut some| {
        some.extend([Wish::everything(), Wish::default()].map(FollowerPlan::steady));
        some
    });
    (
        select(vec![1_usize, 2, 1024]),
        1..9_u64,
        1..30_i64,
        1..12_i64,
        select(vec![false, false, false, true]),
        followers,
        vec(walkers(), 0..4),
        (beginnings(), vec(steps(), step_count)).prop_map(|(first, then)| [first, then].concat()),
    )
        .prop_map(
            |(
                hub_capacity,
                page_events,
                scan_window,
                checkpoint_every,
                two_nodes,
                followers,
                walkers,
                steps,
            )| {
                Plan {
                    hub_capacity,
                    page_events,
                    scan_window,
                    checkpoint_every,
                    two_nodes,
                    followers,
                    walkers,
                    steps,
                }
            },
        )
}

/// Often the busiest streams keep few events from the beginning, so that appends hide others.
fn beginnings() -> impl Strategy<Value = Vec<Step>> {
    let keeps = |stream: usize, max_count: Option<i32>| {
        let settings = SettingsPlan {
            max_count: Some(max_count?),
            truncate_before: None,
            max_events: None,
            has_max_age: false,
            custom: None,
        };
        let change = ChangePlan {
            stream,
            kind: KindPlan::SetMetadata(settings),
            expected: ExpectedPlan::Any,
            has_id: false,
        };
        Some(Step::Write(vec![Write::Change(change)], Whose::First))
    };
    (option::of(1..4_i32), option::of(1..4_i32)).prop_map(move |(one, other)| {
        let both = [keeps(0, one), keeps(1, other)];
        both.into_iter().flatten().collect()
    })
}

impl FollowerPlan {
    /// From the beginning, and always at hand.
    fn steady(wish: Wish) -> Self {
        Self {
            wish,
            start: 0,
            pauses: Vec::new(),
            node: Whose::First,
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (writes(), nodes()).prop_map(|(write, node)| Step::Write(vec![write], node)),
        5 => (vec(writes(), 2..6), nodes()).prop_map(|(some, node)| Step::Write(some, node)),
        2 => (twice(), nodes()).prop_map(|(write, node)| Step::Write(write, node)),
        3 => reads().prop_map(Step::Read),
        1 => followers().prop_map(Step::Follow),
        1 => option::of(streams()).prop_map(Step::Scavenge),
    ]
}

fn writes() -> impl Strategy<Value = Write> {
    prop_oneof![
        12 => appends().prop_map(Write::Append),
        3 => (ago(), again()).prop_map(|(which, how)| Write::AppendAgain(which, how)),
        8 => changes().prop_map(Write::Change),
        2 => (ago(), option::of(changes()))
            .prop_map(|(which, other)| Write::ChangeAgain(which, other)),
    ]
}

/// A request and at once the same request again, mostly in the same group.
fn twice() -> impl Strategy<Value = Vec<Write>> {
    prop_oneof![
        2 => appends().prop_map(|append| vec![
            Write::Append(append),
            Write::AppendAgain(0, Again::Same),
        ]),
        1 => changes().prop_map(|change| vec![
            Write::Change(change),
            Write::ChangeAgain(0, None),
        ]),
    ]
}

fn nodes() -> impl Strategy<Value = Whose> {
    select(vec![Whose::First, Whose::Second])
}

/// How many requests ago: often the last one, which may still be in the same group.
fn ago() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0_usize), 0..100_usize]
}

fn appends() -> impl Strategy<Value = AppendPlan> {
    prop_oneof![
        3 => parts(1).prop_map(|part| AppendPlan { parts: vec![part], is_batch: false }),
        2 => vec(parts(0), 1..4).prop_map(|parts| AppendPlan { parts, is_batch: true }),
    ]
}

fn parts(least_events: usize) -> impl Strategy<Value = PartPlan> {
    (streams(), expected(), vec(events(), least_events..5)).prop_map(
        |(stream, expected, events)| PartPlan {
            stream,
            expected,
            events,
        },
    )
}

fn streams() -> impl Strategy<Value = usize> {
    // Some streams have a longer life than others.
    select(vec![0_usize, 0, 0, 1, 1, 2, 3, 4])
}

fn expected() -> impl Strategy<Value = ExpectedPlan> {
    prop_oneof![
        6 => Just(ExpectedPlan::Any),
        4 => Just(ExpectedPlan::Version(0)),
        1 => Just(ExpectedPlan::NoStream),
        1 => Just(ExpectedPlan::StreamExists),
        1 => select(vec![-1, 1]).prop_map(ExpectedPlan::Version),
    ]
}

fn events() -> impl Strategy<Value = EventPlan> {
    let guild = prop_oneof![
        20 => Just(GuildPlan::OfStream),
        2 => Just(GuildPlan::Absent),
        1 => Just(GuildPlan::Other),
    ];
    (
        0..TYPES.len(),
        0..4_i64,
        guild,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(event_type, number, guild, has_actor, has_id)| EventPlan {
            event_type,
            number,
            guild,
            has_actor,
            has_id,
        })
}

fn again() -> impl Strategy<Value = Again> {
    prop_oneof![
        5 => Just(Again::Same),
        1 => Just(Again::FirstOnly),
        1 => Just(Again::OneMore),
        1 => Just(Again::Reversed),
        1 => Just(Again::OtherData),
        1 => Just(Again::OtherStream),
        1 => Just(Again::Doubled),
    ]
}

fn changes() -> impl Strategy<Value = ChangePlan> {
    let kind = prop_oneof![
        6 => settings().prop_map(KindPlan::SetMetadata),
        6 => Just(KindPlan::Delete),
        2 => Just(KindPlan::Archive),
        2 => Just(KindPlan::Unarchive),
        2 => Just(KindPlan::Tombstone),
    ];
    (streams(), kind, expected(), any::<bool>()).prop_map(|(stream, kind, expected, has_id)| {
        ChangePlan {
            stream,
            kind,
            expected,
            has_id,
        }
    })
}

fn settings() -> impl Strategy<Value = SettingsPlan> {
    (
        option::of(1..5_i32),
        option::of(-2..3_i32),
        option::weighted(0.2, 1..8_i32),
        any::<bool>(),
        option::of(select(vec!["{}", "[1.10,\"\u{fc}\"]", "null"])),
    )
        .prop_map(
            |(max_count, truncate_before, max_events, has_max_age, custom)| SettingsPlan {
                max_count,
                truncate_before,
                max_events,
                has_max_age,
                custom,
            },
        )
}

fn followers() -> impl Strategy<Value = FollowerPlan> {
    let pauses = prop_oneof![
        Just(Vec::new()),
        vec(prop_oneof![3 => Just(0_i64), 1 => 1..12_i64], 1..12)
    ];
    let start = prop_oneof![2 => Just(0_i64), 1 => 0..=100_i64];
    (wishes(), start, pauses, nodes()).prop_map(|(wish, start, pauses, node)| FollowerPlan {
        wish,
        start,
        pauses,
        node,
    })
}

fn walkers() -> impl Strategy<Value = WalkerPlan> {
    (wishes(), 1..9_u64, any::<bool>()).prop_map(|(wish, page_events, descending)| WalkerPlan {
        wish,
        page_events,
        descending,
    })
}

fn reads() -> impl Strategy<Value = ReadPlan> {
    (
        wishes(),
        prop_oneof![Just((0_i64, 100_i64)), (0..=100_i64, 0..=100_i64)],
        1..30_u64,
        any::<bool>(),
        (
            option::weighted(0.2, 0..6_i32),
            option::weighted(0.2, 0..6_i32),
        ),
    )
        .prop_map(|(wish, range, limit, descending, versions)| ReadPlan {
            wish,
            range,
            limit,
            descending,
            versions,
        })
}
