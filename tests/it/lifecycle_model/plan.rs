//! What happens in one case, as values that shrink: every number in it is taken relative to what has
//! happened before, so that a plan still means something when a part of it is left out.

mod strategies;

pub(super) use self::strategies::plans;
use super::wish::Wish;

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
