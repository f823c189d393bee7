//! The guard: what a document may cost, decided in time linear in its length, before the executor
//! sees it.
//!
//! The order is the safety: length, then tokens and nesting (counted without memory), then one
//! parse, then totals in which every fragment is looked at once, then the limits, then everything
//! that walks the document again. A document that passed is kept, so that a client that sends the
//! same text again pays for none of this.
//!
//! List sizes (a page of a page of a page) are bounded by the resolvers' caps on `first`; a
//! complexity that multiplies them belongs in `totals.rs`, as another member of the sums.

mod lexer;
mod strings;
mod subscription_root;
mod totals;
pub(super) mod witness;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{BaseType, ExecutableDocument, Type};
use async_graphql::parser::{self, parse_query};
use lru::LruCache;

use super::fault::{Fault, code};
use super::variables::InputTypes;

/// What one document may cost, and how many accepted documents are kept. A refusal names the limit
/// and the value found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the document's text, in bytes.
    pub document_bytes: usize,
    /// Names, numbers, strings and punctuation in the text; comments do not count.
    pub tokens: usize,
    /// Brackets of any kind within brackets. Bounds the parser's stack; at most 64 is sensible,
    /// because the parser itself refuses selections deeper than that.
    pub nesting: usize,
    /// Fields within fields. Introspection is exempt and has a bound of its own.
    pub depth: usize,
    /// Fields, and fragments on the way to them, once all fragments are expanded, over all
    /// operations of the document.
    pub fields: usize,
    /// Aliases once all fragments are expanded.
    pub aliases: usize,
    /// Directives once all fragments are expanded.
    pub directives: usize,
    /// Operations that run on one socket at a time.
    pub socket_operations: usize,
    /// Accepted documents kept in parsed form; at least one is.
    pub cached_documents: usize,
    /// Estimated memory of the kept documents, in bytes. 0 keeps none.
    pub cached_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 64 * 1024,
            tokens: 5_000,
            nesting: 64,
            depth: 15,
            fields: 2_000,
            aliases: 100,
            directives: 50,
            socket_operations: 100,
            cached_documents: 1_000,
            cached_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Memory of one token in a parsed document, in bytes: a field with its names, positions and empty
/// vectors takes about 400 bytes and is rarely less than three tokens.
const BYTES_PER_TOKEN: usize = 150;

/// The documents that this server accepts, and those that it accepted lately.
pub(super) struct Documents {
    limits: Limits,
    types: Arc<InputTypes>,
    cache: Mutex<Cache>,
}

impl Documents {
    pub(super) fn new(limits: Limits, types: Arc<InputTypes>) -> Self {
        let cache = Mutex::new(Cache::new(&limits));
        Self {
            limits,
            types,
            cache,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The parsed form of a document that is within all limits, ready for the executor: a
    /// subscription's root is one plain field, and no object is answered with nothing at all.
    pub(super) fn accept(&self, source: &str) -> Result<Arc<ExecutableDocument>, Fault> {
        if let Some(document) = self.cache().get(source) {
            return Ok(document);
        }
        let tokens = self.count_tokens(source)?;
        let mut document = parse_query(source).map_err(|error| syntax_fault(&error))?;
        totals::check(&document, &self.limits)?;
        self.check_variable_types(&document)?;
        if let Some(path) = strings::find_nul(source, &document) {
            let message = format!("The string at {path} contains NUL, which cannot be stored.");
            return Err(Fault::new(code::INVALID_ARGUMENT, message));
        }
        subscription_root::flatten(&mut document, self.types.subscription_root())?;
        witness::add(&mut document);
        let document = Arc::new(document);
        let weight = source.len() + tokens * BYTES_PER_TOKEN;
        self.cache().insert(source, Arc::clone(&document), weight);
        Ok(document)
    }

    fn count_tokens(&self, source: &str) -> Result<usize, Fault> {
        let limits = &self.limits;
        if source.len() > limits.document_bytes {
            return Err(Fault::limit("bytes", source.len(), limits.document_bytes));
        }
        let count = lexer::count(source, limits.tokens);
        if count.tokens > limits.tokens {
            let limit = limits.tokens;
            let message = format!("The limit for tokens is {limit}; this document has more.");
            return Err(Fault::new(code::LIMIT_EXCEEDED, message));
        }
        if count.nesting > limits.nesting {
            return Err(Fault::limit(
                "nested brackets",
                count.nesting,
                limits.nesting,
            ));
        }
        Ok(count.tokens)
    }

    /// The executor panics on a list of an unknown type with a default value.
    fn check_variable_types(&self, document: &ExecutableDocument) -> Result<(), Fault> {
        for (_, operation) in document.operations.iter() {
            for definition in &operation.node.variable_definitions {
                let declared = &definition.node.var_type;
                let name = named_type(&declared.node);
                if !self.types.knows(name) {
                    let message = format!("Unknown type \"{name}\".");
                    return Err(Fault::invalid(message, declared.pos));
                }
            }
        }
        Ok(())
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named_type(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => named_type(item),
    }
}

/// The parser quotes the whole line in which it stopped; only what it expected there is of use.
fn syntax_fault(error: &parser::Error) -> Fault {
    let locations: Vec<_> = error.positions().collect();
    let message = match error {
        parser::Error::Syntax { message, start, .. } => {
            let expected = message
                .rsplit_once(" = ")
                .map_or("", |(_, expected)| expected.trim());
            format!(
                "Syntax error in line {}, column {}: {expected}.",
                start.line, start.column
            )
        }
        other => format!("The document cannot be parsed: {other}"),
    };
    Fault {
        locations,
        ..Fault::new(code::GRAPHQL_PARSE_FAILED, message)
    }
}

/// The least recently used document goes first, when there are too many or they weigh too much.
/// Documents are looked up by their whole text, so that two can never be taken for each other.
struct Cache {
    documents: LruCache<Box<str>, Cached>,
    weight: usize,
    most_weight: usize,
}

struct Cached {
    document: Arc<ExecutableDocument>,
    weight: usize,
}

impl Cache {
    fn new(limits: &Limits) -> Self {
        let count = NonZeroUsize::new(limits.cached_documents).unwrap_or(NonZeroUsize::MIN);
        Self {
            documents: LruCache::new(count),
            weight: 0,
            most_weight: limits.cached_bytes,
        }
    }

    fn get(&mut self, source: &str) -> Option<Arc<ExecutableDocument>> {
        self.documents
            .get(source)
            .map(|cached| Arc::clone(&cached.document))
    }

    fn insert(&mut self, source: &str, document: Arc<ExecutableDocument>, weight: usize) {
        if weight > self.most_weight {
            return;
        }
        let cached = Cached { document, weight };
        if let Some((_, replaced)) = self.documents.push(source.into(), cached) {
            self.weight -= replaced.weight;
        }
        self.weight += weight;
        while self.weight > self.most_weight
            && let Some((_, dropped)) = self.documents.pop_lru()
        {
            self.weight -= dropped.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(limits: Limits) -> Documents {
        let sdl = "type Subscription { ticks: Int } input Filter { name: String }";
        Documents::new(limits, Arc::new(InputTypes::from_sdl(sdl).unwrap()))
    }

    fn refusal(source: &str) -> Fault {
        documents(Limits::default()).accept(source).unwrap_err()
    }

    #[test]
    fn the_same_text_is_parsed_once() {
        let documents = documents(Limits::default());
        let first = documents.accept("{a}").unwrap();
        assert!(Arc::ptr_eq(&first, &documents.accept("{a}").unwrap()));
        assert!(!Arc::ptr_eq(&first, &documents.accept("{b}").unwrap()));
    }

    #[test]
    fn the_cache_keeps_to_its_count_and_its_bytes() {
        let few = documents(Limits {
            cached_documents: 2,
            ..Limits::default()
        });
        let light = documents(Limits {
            cached_bytes: 1_000,
            ..Limits::default()
        });
        for index in 0..50 {
            few.accept(&format!("{{a{index}}}")).unwrap();
            light.accept(&format!("{{a{index}}}")).unwrap();
        }
        assert_eq!(few.cache().documents.len(), 2);
        let cache = light.cache();
        assert!(cache.weight <= 1_000 && !cache.documents.is_empty());
        assert_eq!(
            cache.weight,
            cache
                .documents
                .iter()
                .map(|(_, one)| one.weight)
                .sum::<usize>()
        );
    }

    #[test]
    fn each_limit_on_text_says_its_value_and_what_was_found() {
        let long = refusal(&format!("{{{}}}", " ".repeat(70_000)));
        assert_eq!(
            long.message,
            "The limit for bytes is 65536; this document has 70002."
        );
        let many = refusal(&format!("{{{}}}", "a ".repeat(5_001)));
        assert_eq!(
            (many.code, many.message.contains("5000")),
            (code::LIMIT_EXCEEDED, true)
        );
        let nested = refusal(&format!("{{a(b:{}{})}}", "[".repeat(100), "]".repeat(100)));
        assert_eq!(
            nested.message,
            "The limit for nested brackets is 64; this document has 102."
        );
    }

    #[test]
    fn a_syntax_error_says_where_and_does_not_quote_the_document() {
        let fault = refusal(&format!("{{ a({}", "b".repeat(10_000)));
        assert_eq!(fault.code, code::GRAPHQL_PARSE_FAILED);
        assert!(
            fault.message.starts_with("Syntax error in line 1, column "),
            "{}",
            fault.message
        );
        assert!(fault.message.len() < 200, "{}", fault.message);
        assert_eq!(refusal("").code, code::GRAPHQL_PARSE_FAILED);
        assert_eq!(
            refusal("fragment F on Q { a }").code,
            code::GRAPHQL_PARSE_FAILED
        );
    }

    #[test]
    fn a_variable_of_an_unknown_type_is_refused() {
        assert_eq!(
            refusal("query($x: [Nope!] = [1]) { a(b: $x) }").message,
            "Unknown type \"Nope\"."
        );
        let known = "query($x: [Filter!]!, $n: Int) { a(b: $x, n: $n) }";
        assert!(documents(Limits::default()).accept(known).is_ok());
    }

    #[test]
    fn nul_in_a_literal_is_an_invalid_argument() {
        let fault = refusal(r#"{a(b:"\u0000")}"#);
        assert_eq!(fault.code, code::INVALID_ARGUMENT);
        assert!(fault.message.contains("a.b"));
    }

    #[test]
    fn the_introspection_query_of_graphiql_passes() {
        assert!(
            documents(Limits::default())
                .accept(GRAPHIQL_INTROSPECTION)
                .is_ok()
        );
    }

    /// As `getIntrospectionQuery({schemaDescription: true, …})` writes it.
    const GRAPHIQL_INTROSPECTION: &str = "query IntrospectionQuery { __schema { description
        queryType { name kind } mutationType { name kind } subscriptionType { name kind }
        types { ...FullType } directives { name description isRepeatable locations
        args(includeDeprecated: true) { ...InputValue } } } }
        fragment FullType on __Type { kind name description specifiedByURL
        fields(includeDeprecated: true) { name description
        args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated
        deprecationReason } inputFields(includeDeprecated: true) { ...InputValue }
        interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description
        isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue
        isDeprecated deprecationReason }
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
}
