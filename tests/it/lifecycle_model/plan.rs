//! What happens in one case, as values that shrink: every number in it is taken relative to what has
//! happened before, so that a plan still means something when a part of it is left out.

use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::wish::{Wish, wishes};

/// The streams of a case. A case adds a suffix of its own. Names and categories share prefixes on purpose.
pub(super) const STREAMS: [(&str, Option<&str>); 5] = [
    ("game-a", Some("g1")),
    ("game-ab", Some("g2")),
    ("gamex-a", None),
    ("team-1", Some("g1")),
    ("ga-me", None),
];
/// The types of their events.
pub(super) const TYPES: [&str; 3] = ["opened", "played", "closed"];

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The events that the hub keeps.
    pub(super) hub_capacity: usize,
    /// Events per read of a feed.
    pub(super) page_events: u64,
    /// Positions per read of a feed.
    pub(super) scan_window: i64,
    /// Positions until a feed that matches nothing says so.
    pub(super) checkpoint_every: i64,
    /// Whether there are two nodes, where the backend allows it.
    pub(super) two_nodes: bool,
    /// Those that follow from the beginning on.
    pub(super) followers: Vec<FollowerPlan>,
    /// Those that walk through pages again and again, forward and backward.
    pub(super) walkers: Vec<WalkerPlan>,
    /// What happens, one after the other.
    pub(super) steps: Vec<Step>,
}

/// One step of a case.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// These requests are sent at once, to one node: they reach its committer in this order, mostly as one
    /// group.
    Write(Vec<Write>, Whose),
    /// Reads while nothing is written.
    Read(ReadPlan),
    /// A follower comes.
    Follow(FollowerPlan),
    /// The payloads of hidden events are removed; of one stream, an index into [`STREAMS`], or of all.
    Scavenge(Option<usize>),
}

/// Which node something goes through, where there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    First,
    Second,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Append(AppendPlan),
    /// An earlier append again: how many appends ago, and how.
    AppendAgain(usize, Again),
    Change(ChangePlan),
    /// An earlier change again, so many changes ago; or its id for this change.
    ChangeAgain(usize, Option<ChangePlan>),
}

/// An append.
#[derive(Clone, Debug)]
pub(super) struct AppendPlan {
    /// Parts of the same stream are left out, but for the first.
    pub(super) parts: Vec<PartPlan>,
    pub(super) is_batch: bool,
}

/// What an append has for one stream.
#[derive(Clone, Debug)]
pub(super) struct PartPlan {
    /// An index into [`STREAMS`].
    pub(super) stream: usize,
    pub(super) expected: ExpectedPlan,
    pub(super) events: Vec<EventPlan>,
}

/// A condition.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExpectedPlan {
    Any,
    NoStream,
    StreamExists,
    /// The version that the stream will have, and so many more.
    Version(i32),
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct EventPlan {
    /// An index into [`TYPES`].
    pub(super) event_type: usize,
    /// `data.n`
    pub(super) number: i64,
    pub(super) guild: GuildPlan,
    /// Whether `metadata.actor_id` is set.
    pub(super) has_actor: bool,
    /// Whether it comes with an id, where it may come without.
    pub(super) has_id: bool,
}

/// `data.guild_id`
#[derive(Clone, Copy, Debug)]
pub(super) enum GuildPlan {
    OfStream,
    Absent,
    Other,
}

/// How an earlier append is sent again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Again {
    Same,
    /// Only the first event of each stream.
    FirstOnly,
    /// With one event more in the first stream.
    OneMore,
    Reversed,
    OtherData,
    /// All parts with events to another stream.
    OtherStream,
    /// The first event twice.
    Doubled,
}

/// A change of a stream's life.
#[derive(Clone, Debug)]
pub(super) struct ChangePlan {
    /// An index into [`STREAMS`].
    pub(super) stream: usize,
    pub(super) kind: KindPlan,
    pub(super) expected: ExpectedPlan,
    pub(super) has_id: bool,
}

/// A kind of change.
#[derive(Clone, Debug)]
pub(super) enum KindPlan {
    Delete,
    Tombstone,
    Archive,
    Unarchive,
    SetMetadata(SettingsPlan),
}

/// What metadata is set to.
#[derive(Clone, Debug)]
pub(super) struct SettingsPlan {
    pub(super) max_count: Option<i32>,
    /// Relative to the stream's version; up to 1 is allowed.
    pub(super) truncate_before: Option<i32>,
    pub(super) max_events: Option<i32>,
    /// A limit that no event of a test can reach.
    pub(super) has_max_age: bool,
    pub(super) custom: Option<&'static str>,
}

/// A follower.
#[derive(Clone, Debug)]
pub(super) struct FollowerPlan {
    pub(super) wish: Wish,
    /// Where it starts, in hundredths of the log so far.
    pub(super) start: i64,
    /// Before each message, in turn: how many events it lets pass.
    pub(super) pauses: Vec<i64>,
    pub(super) node: Whose,
}

/// A reader that walks through pages while others write.
#[derive(Clone, Debug)]
pub(super) struct WalkerPlan {
    pub(super) wish: Wish,
    pub(super) page_events: u64,
    pub(super) descending: bool,
}

/// A read at one moment, in every form that the store has.
#[derive(Clone, Debug)]
pub(super) struct ReadPlan {
    pub(super) wish: Wish,
    /// The ends of the range, in hundredths of the log.
    pub(super) range: (i64, i64),
    pub(super) limit: u64,
    pub(super) descending: bool,
    /// Of one stream only.
    pub(super) versions: (Option<i32>, Option<i32>),
}

/// A case of so many steps.
pub(super) fn plans(step_count: Range<usize>) -> impl Strategy<Value = Plan> {
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
        vec(steps(), step_count),
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
