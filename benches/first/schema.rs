//! P11: what it costs to serialize an event and to hold it against its schema, in this process.

use std::hint::black_box;
use std::time::{Duration, Instant};

use gamebot::event::{Decoded, Event};
use gamebot_event_store::registry::{self, Categories, Registry, RegistryOptions, Verdict};

use crate::Result;
use crate::arguments::Arguments;
use crate::backend::Backend;
use crate::event::{DATA, EVENT_TYPE};
use crate::report::{Comparison, Report, Target};

/// Measures the median event, and every event of a whole game in turn. No database is involved.
pub(crate) fn run(backend: Backend, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let options = RegistryOptions {
        open: Categories::default(),
        unchecked: Categories::default(),
        max_types: 0,
        max_versions: 1,
    };
    let registry = Registry::new(registry::catalogue(), options)?;
    let game = gamebot::sample::games()?
        .into_iter()
        .find(|game| game.name == "knockout")
        .ok_or("there is no sample game of this name")?;
    let events = game
        .events
        .iter()
        .map(|event| decoded(&event.event_type, &event.data));
    let events: Vec<Event> = events.collect::<Result<_>>()?;
    for (name, events) in [
        (
            "P11 serialize and validate, the median event",
            vec![decoded(EVENT_TYPE, DATA)?],
        ),
        ("P11 serialize and validate, a whole game", events),
    ] {
        let target = Some(Target::at_most(10.0, 5.0));
        let mut line = Comparison::new(name, backend, "µs/event", target);
        for _ in 0..arguments.repetitions {
            line.measured(microseconds(&registry, &events, arguments.time)?);
        }
        report.add(line);
    }
    Ok(())
}

fn decoded(event_type: &str, data: &str) -> Result<Event> {
    match Event::decode(event_type, Event::SCHEMA_VERSION, data) {
        Decoded::Known(event) => Ok(event),
        Decoded::Unknown => Err(format!("{event_type} is not known").into()),
        Decoded::Undecodable(failure) => Err(failure.into()),
    }
}

fn microseconds(registry: &Registry, events: &[Event], time: Duration) -> Result<f64> {
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < time {
        for event in events {
            let data = serde_json::to_string(black_box(event))?;
            let event_type = event.event_type();
            let verdict = registry.judge("game", event_type, Event::SCHEMA_VERSION, &data, 100);
            if verdict != Verdict::Accepted {
                return Err(format!("{event_type} is refused: {verdict:?}").into());
            }
        }
        rounds += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "some events, not 2^52 of them")]
    let count = f64::from(rounds) * events.len() as f64;
    Ok(start.elapsed().as_secs_f64() * 1e6 / count)
}
