//! Lists as a client walks them: a page, then the next one with the cursor of the last.

use serde_json::{Value, json};
use testkit::GraphqlClient;

/// A list of the API, and which way it runs.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// What stands before the list in the query, for example `stream(name: "game-1") {`.
    around: String,
    field: &'static str,
    /// The arguments beside those that choose the page.
    arguments: String,
    nodes: &'static str,
}

const EVENT_NODES: &str = "position streamName streamVersion";

impl List {
    pub(super) fn log(arguments: &str) -> Self {
        Self {
            around: String::new(),
            field: "events",
            arguments: arguments.to_owned(),
            nodes: EVENT_NODES,
        }
    }

    pub(super) fn of_stream(name: &str, arguments: &str) -> Self {
        Self {
            around: format!("stream(name: \"{name}\") {{"),
            ..Self::log(arguments)
        }
    }

    pub(super) fn streams(arguments: &str) -> Self {
        Self {
            field: "streams",
            nodes: "name version createdAt updatedAt",
            ..Self::log(arguments)
        }
    }

    /// One page; `page` is for example `{"first": 5, "after": "…"}`.
    pub(super) async fn page(&self, client: &GraphqlClient, page: Value) -> Page {
        let mut answer = client.query(&self.query(), page).await;
        let mut list = match answer.get_mut("stream") {
            Some(stream) => stream["list"].take(),
            None => answer["list"].take(),
        };
        let edges = list["edges"].as_array().unwrap();
        let edges: Vec<&Value> = edges.iter().map(|edge| &edge["node"]).collect();
        let nodes = list["nodes"].as_array().unwrap();
        assert_eq!(
            edges,
            nodes.iter().collect::<Vec<_>>(),
            "`edges` and `nodes` are one list"
        );
        let ends = ["startCursor", "endCursor"].map(|end| list["pageInfo"][end].clone());
        let edges = list["edges"].as_array().unwrap();
        let expected = [edges.first(), edges.last()]
            .map(|edge| edge.map_or(Value::Null, |edge| edge["cursor"].clone()));
        assert_eq!(
            ends, expected,
            "the cursors of the page are those of its ends"
        );
        Page {
            nodes: nodes.clone(),
            cursors: edges
                .iter()
                .map(|edge| edge["cursor"].as_str().unwrap().to_owned())
                .collect(),
            has_next: list["pageInfo"]["hasNextPage"].as_bool().unwrap(),
            has_previous: list["pageInfo"]["hasPreviousPage"].as_bool().unwrap(),
            head: list["head"].take(),
        }
    }

    /// The errors of a page that is refused.
    pub(super) async fn refusal(&self, client: &GraphqlClient, page: Value) -> Refused {
        let errors = client.query_for_errors(&self.query(), page).await;
        Refused {
            code: errors[0]["extensions"]["code"].as_str().unwrap().to_owned(),
            message: errors[0]["message"].as_str().unwrap().to_owned(),
        }
    }

    fn query(&self) -> String {
        let head = if self.field == "events" { "head" } else { "" };
        let Self {
            around,
            field,
            arguments,
            nodes,
        } = self;
        let close = if around.is_empty() { "" } else { "}" };
        format!(
            "query($first: Int, $after: String, $last: Int, $before: String) {{ {around} \
             list: {field}({arguments} first: $first, after: $after, last: $last, before: $before) {{ \
             edges {{ cursor node {{ {nodes} }} }} nodes {{ {nodes} }} {head} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} {close} }}"
        )
    }

    /// All pages from the beginning of the list on, until it ends or `until` is satisfied.
    pub(super) async fn walk(
        &self,
        client: &GraphqlClient,
        size: usize,
        until: impl Fn(&Walk) -> bool,
    ) -> Walk {
        let mut walk = Walk::default();
        let mut after = Value::Null;
        loop {
            let page = self
                .page(client, json!({"first": size, "after": after}))
                .await;
            assert_eq!(
                page.has_previous,
                !after.is_null(),
                "before page {}",
                walk.pages
            );
            assert!(page.nodes.len() <= size);
            assert!(
                !page.has_next || page.nodes.len() == size,
                "a page is full unless it is the last"
            );
            after = page
                .cursors
                .last()
                .map_or(Value::Null, |cursor| json!(cursor));
            let ends = !page.has_next;
            walk.add(page);
            if ends || until(&walk) {
                return walk;
            }
        }
    }

    /// All pages from the end of the list back; the nodes are in the order of the list.
    pub(super) async fn walk_back(&self, client: &GraphqlClient, size: usize) -> Walk {
        let mut walk = Walk::default();
        let mut before = Value::Null;
        loop {
            let page = self
                .page(client, json!({"last": size, "before": before}))
                .await;
            assert_eq!(
                page.has_next,
                !before.is_null(),
                "after page {}",
                walk.pages
            );
            assert!(page.nodes.len() <= size);
            assert!(
                !page.has_previous || page.nodes.len() == size,
                "a page is full unless it is the first"
            );
            before = page
                .cursors
                .first()
                .map_or(Value::Null, |cursor| json!(cursor));
            let ends = !page.has_previous;
            walk.add_before(page);
            if ends {
                return walk;
            }
        }
    }
}

/// A page, taken apart.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) nodes: Vec<Value>,
    pub(super) cursors: Vec<String>,
    pub(super) has_next: bool,
    pub(super) has_previous: bool,
    pub(super) head: Value,
}

impl Page {
    pub(super) fn positions(&self) -> Vec<i64> {
        positions(&self.nodes)
    }
}

/// Why a page was refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
}

impl Refused {
    /// Fails the test unless the refusal has this code and says all of these.
    pub(super) fn is(&self, code: &str, said: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for text in said {
            assert!(self.message.contains(text), "no `{text}` in {self:?}");
        }
    }
}

/// Pages, put together.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) nodes: Vec<Value>,
    /// The head that the first page was read at.
    pub(super) head: i64,
    pub(super) pages: usize,
}

impl Walk {
    fn add(&mut self, page: Page) {
        self.note(&page);
        self.nodes.extend(page.nodes);
    }

    fn add_before(&mut self, page: Page) {
        self.note(&page);
        self.nodes.splice(0..0, page.nodes);
    }

    fn note(&mut self, page: &Page) {
        if self.pages == 0 {
            self.head = page.head.as_i64().unwrap_or_default();
        }
        self.pages += 1;
    }

    pub(super) fn positions(&self) -> Vec<i64> {
        positions(&self.nodes)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.nodes
            .iter()
            .map(|node| node["name"].as_str().unwrap())
            .collect()
    }
}

pub(super) fn positions(nodes: &[Value]) -> Vec<i64> {
    nodes
        .iter()
        .map(|node| node["position"].as_i64().unwrap())
        .collect()
}
