//! What a log must mean: the life of a stream, told again from its events alone.

use serde_json::{Value, json};

/// Where the events have brought a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) version: i64,
    pub(super) status: &'static str,
    pub(super) hidden_through: i64,
    pub(super) metadata_version: i64,
    pub(super) max_count: Option<i64>,
    /// The last event about it.
    reopened: bool,
}

impl Told {
    /// Tells a stream's life from the log, which holds the events of the stream and of its life, and checks
    /// that each event was allowed where it stands.
    pub(super) fn of(stream: &str, log: &[Value]) -> Self {
        let life = format!("$stream-{stream}");
        let mut told = Self {
            status: "OPEN",
            ..Self::default()
        };
        let mut life_version = 0;
        for event in log {
            if event["streamName"] == stream {
                told.append(event);
            } else if event["streamName"] == life {
                life_version += 1;
                assert_eq!(event["streamVersion"], life_version, "{event:#}");
                told.change(event);
            }
        }
        assert!(!told.reopened, "{stream} was reopened by nothing");
        told
    }

    fn append(&mut self, event: &Value) {
        assert_eq!(
            self.status, "OPEN",
            "appended to a closed stream: {event:#}"
        );
        self.reopened = false;
        self.version += 1;
        assert_eq!(event["streamVersion"], self.version, "{event:#}");
        self.hide_by_count();
    }

    fn change(&mut self, event: &Value) {
        assert!(
            !self.reopened,
            "something came between a reopening and its cause: {event:#}"
        );
        assert_eq!(event["data"]["version"], self.version, "{event:#}");
        assert_ne!(
            self.status, "TOMBSTONED",
            "changed after its end: {event:#}"
        );
        match event["type"].as_str().unwrap() {
            "$stream_deleted" => {
                assert_eq!(self.status, "OPEN", "{event:#}");
                self.status = "DELETED";
                self.hidden_through = self.version;
            }
            "$stream_reopened" => {
                assert_eq!(self.status, "DELETED", "{event:#}");
                self.status = "OPEN";
                self.reopened = true;
            }
            "$stream_archived" => {
                assert_eq!(self.status, "OPEN", "{event:#}");
                self.status = "ARCHIVED";
            }
            "$stream_unarchived" => {
                assert_eq!(self.status, "ARCHIVED", "{event:#}");
                self.status = "OPEN";
            }
            "$stream_tombstoned" => {
                self.status = "TOMBSTONED";
                self.hidden_through = self.version;
            }
            "$stream_metadata_set" => {
                self.metadata_version += 1;
                assert_eq!(event["data"]["metadata_version"], self.metadata_version);
                self.max_count = event["data"]["max_count"].as_i64();
                self.hide_by_count();
            }
            other => panic!("an event of no known kind: {other}"),
        }
    }

    fn hide_by_count(&mut self) {
        if let Some(count) = self.max_count {
            self.hidden_through = self.hidden_through.max(self.version - count);
        }
    }

    /// What a stream must say of itself, of the fields of `stream_now`.
    pub(super) fn assert_is(&self, stream: &Value) {
        let said = json!([
            stream["version"],
            stream["status"],
            stream["hiddenThrough"],
            stream["metadata"]["version"],
            stream["metadata"]["maxCount"],
        ]);
        let told = json!([
            self.version,
            self.status,
            self.hidden_through,
            self.metadata_version,
            self.max_count,
        ]);
        assert_eq!(said, told, "{stream:#}");
    }
}
