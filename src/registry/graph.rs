//! The steps from one schema version to another, as a graph whose edges lead upward only (rule V3).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// An edge: from one version to a later one.
pub(super) type Edge = (i32, i32);

/// The shortest way from one version to another, both included; `None` where none leads there. That it is
/// the only one of its length was made sure of when its edges came.
pub(super) fn path(edges: &BTreeSet<Edge>, from: i32, to: i32) -> Option<Vec<i32>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut next = VecDeque::from([from]);
    while let Some(version) = next.pop_front() {
        if version == to {
            return Some(walked(&came_from, from, to));
        }
        for &(_, reached) in edges.range((version, i32::MIN)..=(version, i32::MAX)) {
            if reached <= to && !came_from.contains_key(&reached) {
                came_from.insert(reached, version);
                next.push_back(reached);
            }
        }
    }
    None
}

fn walked(came_from: &BTreeMap<i32, i32>, from: i32, to: i32) -> Vec<i32> {
    let mut way = vec![to];
    let mut at = to;
    while at != from {
        let Some(&before) = came_from.get(&at) else {
            break;
        };
        way.push(before);
        at = before;
    }
    way.reverse();
    way
}

/// Two different ways of the same least length between two versions, if there are any: then nobody could
/// say which of them a read takes.
pub(super) fn ambiguity(edges: &BTreeSet<Edge>) -> Option<(Vec<i32>, Vec<i32>)> {
    let starts: BTreeSet<i32> = edges.iter().map(|(from, _)| *from).collect();
    starts
        .into_iter()
        .find_map(|start| ambiguity_from(edges, start))
}

fn ambiguity_from(edges: &BTreeSet<Edge>, start: i32) -> Option<(Vec<i32>, Vec<i32>)> {
    let mut steps = BTreeMap::from([(start, 0)]);
    let mut came_from = BTreeMap::from([(start, start)]);
    // The last step of another way of the same length, by where it leads.
    let mut ambiguous = BTreeMap::new();
    // Edges lead upward, so in their order each version is complete before it is left.
    for &(from, to) in edges.range((start, i32::MIN)..) {
        let Some(&before) = steps.get(&from) else {
            continue;
        };
        let length = before + 1;
        match steps.get(&to) {
            Some(&known) if known < length => {}
            Some(&known) if known == length => {
                ambiguous.insert(to, from);
            }
            _ => {
                steps.insert(to, length);
                came_from.insert(to, from);
                // A shorter way settles what two longer ones left open.
                ambiguous.remove(&to);
            }
        }
    }
    let (to, from) = ambiguous.pop_first()?;
    let mut other = walked(&came_from, start, from);
    other.push(to);
    Some((walked(&came_from, start, to), other))
}

/// A way as people write it: `1 → 2 → 4`.
pub(super) fn shown(way: &[i32]) -> String {
    let versions: Vec<String> = way.iter().map(i32::to_string).collect();
    versions.join(" → ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(edges: &[Edge]) -> BTreeSet<Edge> {
        edges.iter().copied().collect()
    }

    #[test]
    fn the_shortest_way_is_taken() {
        let chain = edges(&[(1, 2), (2, 3), (3, 4)]);
        assert_eq!(path(&chain, 1, 4), Some(vec![1, 2, 3, 4]));
        assert_eq!(path(&chain, 2, 2), Some(vec![2]));
        assert_eq!(path(&chain, 4, 1), None);
        assert_eq!(path(&chain, 1, 5), None);
        let shortcut = edges(&[(1, 2), (2, 3), (3, 4), (1, 3)]);
        assert_eq!(path(&shortcut, 1, 4), Some(vec![1, 3, 4]));
        assert_eq!(ambiguity(&shortcut), None);
    }

    #[test]
    fn two_ways_of_one_length_are_both_named() {
        let crossed = edges(&[(1, 2), (2, 3), (3, 4), (1, 3), (2, 4)]);
        let (one, other) = ambiguity(&crossed).unwrap();
        let mut found = [shown(&one), shown(&other)];
        found.sort();
        assert_eq!(found, ["1 → 2 → 4", "1 → 3 → 4"]);
        // A direct step settles it.
        let mut settled = crossed;
        settled.insert((1, 4));
        assert_eq!(ambiguity(&settled), None);
    }

    /// Every way between two versions, by trying all of them.
    fn all_ways(edges: &BTreeSet<Edge>, from: i32, to: i32) -> Vec<Vec<i32>> {
        if from == to {
            return vec![vec![to]];
        }
        let steps = edges.iter().filter(|(start, _)| *start == from);
        steps
            .flat_map(|&(_, next)| all_ways(edges, next, to))
            .map(|way| [vec![from], way].concat())
            .collect()
    }

    proptest! {
        #[test]
        fn the_way_and_its_uniqueness_are_those_found_by_trying_everything(
            versions in 2..8_i32,
            shortcuts in proptest::collection::vec((1..8_i32, 1..8_i32), 0..10),
        ) {
            let mut edges: BTreeSet<Edge> = (1..versions).map(|from| (from, from + 1)).collect();
            edges.extend(shortcuts.into_iter().filter(|(from, to)| from < to && *to <= versions));
            let mut is_ambiguous = false;
            for from in 1..=versions {
                for to in 1..=versions {
                    let mut ways = all_ways(&edges, from, to);
                    ways.sort_by_key(Vec::len);
                    let least = ways.first().map(Vec::len);
                    let shortest: Vec<_> = ways.into_iter().filter(|way| Some(way.len()) == least).collect();
                    is_ambiguous |= shortest.len() > 1;
                    match path(&edges, from, to) {
                        Some(way) => prop_assert!(shortest.contains(&way)),
                        None => prop_assert!(shortest.is_empty()),
                    }
                }
            }
            let found = ambiguity(&edges);
            prop_assert_eq!(found.is_some(), is_ambiguous);
            if let Some((one, other)) = found {
                prop_assert!(one != other && one.len() == other.len());
                prop_assert_eq!((one.first(), one.last()), (other.first(), other.last()));
                for way in [&one, &other] {
                    prop_assert!(way.windows(2).all(|step| edges.contains(&(step[0], step[1]))));
                    let shortest = path(&edges, way[0], way[way.len() - 1]).unwrap();
                    prop_assert_eq!(shortest.len(), way.len());
                }
            }
        }
    }
}
