//! JSON Patch (RFC 6902) as the language of upcasters that are registered at run time.
//!
//! A patch is a list of operations without loops, so it always ends. What it can cost is bounded twice: by
//! the number of its operations, and by the bytes of the data and of everything that its operations write,
//! since a `copy` can double a document again and again.

use json_patch::jsonptr::Pointer;
use json_patch::{AddOperation, PatchErrorKind, PatchOperation};
use serde_json::Value;

use super::exact_json::{self, measure};
use crate::json_text::{JsonLimits, JsonText};

/// The most operations of one patch.
pub const MOST_PATCH_OPERATIONS: usize = 100;
/// The most bytes of one application: of the data, and of all that the operations write. More than the
/// largest event by default, so that data may grow, and little enough for a page of them.
pub const MOST_PATCH_BYTES: usize = 1024 * 1024;

/// A patch that is known to be one.
#[derive(Clone, Debug)]
pub(super) struct JsonPatch {
    text: JsonText,
    operations: Vec<PatchOperation>,
}

impl JsonPatch {
    /// Reads a patch, or says what is wrong with it.
    pub(super) fn parse(raw: &str) -> Result<Self, String> {
        let text = JsonText::parse(raw, &JsonLimits::default())
            .map_err(|error| error.message_under("patch"))?;
        let Some(Value::Array(operations)) = exact_json::read(&text) else {
            return Err("it is not a list of operations".to_owned());
        };
        let count = operations.len();
        if count == 0 {
            return Err(
                "it has no operations. If the data is right as it is, register it as compatible"
                    .to_owned(),
            );
        }
        if count > MOST_PATCH_OPERATIONS {
            return Err(format!(
                "it has {count} operations; the limit is {MOST_PATCH_OPERATIONS}"
            ));
        }
        let read = |(index, operation)| {
            let operation: Result<PatchOperation, _> = serde_json::from_value(operation);
            operation.map_err(|error| format!("its operation {index} is none of RFC 6902: {error}"))
        };
        let operations = operations.into_iter().enumerate().map(read);
        Ok(Self {
            operations: operations.collect::<Result<_, _>>()?,
            text,
        })
    }

    /// The patch as it was given, compact.
    pub(super) fn text(&self) -> &JsonText {
        &self.text
    }

    /// Whether two patches say the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.text == other.text || self.operations == other.operations
    }

    /// The data after the patch, or which operation failed, and why. What no operation mentions stays as it
    /// is, to the last digit of its numbers.
    pub(super) fn apply(&self, data: &str) -> Result<String, String> {
        let mut tree = exact_json::read(data).ok_or("the data cannot be read as JSON")?;
        let mut bytes = data.len();
        for (index, operation) in self.operations.iter().enumerate() {
            let failed = |reason: String| {
                let (name, path) = (name(operation), operation.path());
                format!("operation {index}, {name} at `{path}`: {reason}")
            };
            let (written, depth) = written(&tree, operation);
            bytes = bytes.saturating_add(written);
            if bytes > MOST_PATCH_BYTES {
                return Err(failed(format!(
                    "the data and what the patch writes come to more than {MOST_PATCH_BYTES} bytes"
                )));
            }
            let most_depth = JsonLimits::default().max_depth;
            if operation.path().count() + depth > most_depth {
                return Err(failed(format!(
                    "the data would be nested deeper than {most_depth} levels"
                )));
            }
            apply_one(&mut tree, operation).map_err(failed)?;
        }
        Ok(exact_json::write(&tree))
    }
}

fn name(operation: &PatchOperation) -> &'static str {
    match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    }
}

/// The bytes that an operation writes, and the depth of what it puts somewhere.
fn written(tree: &Value, operation: &PatchOperation) -> (usize, usize) {
    let key = operation.path().as_str().len();
    let of = |value: Option<&Value>| value.map_or((0, 0), measure);
    match operation {
        PatchOperation::Add(add) => (key + measure(&add.value).0, measure(&add.value).1),
        PatchOperation::Replace(replace) => measure(&replace.value),
        PatchOperation::Copy(copy) => {
            let (bytes, depth) = of(tree.pointer(copy.from.as_str()));
            (key + bytes, depth)
        }
        PatchOperation::Move(moved) => (key, of(tree.pointer(moved.from.as_str())).1),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => (0, 0),
    }
}

fn apply_one(tree: &mut Value, operation: &PatchOperation) -> Result<(), String> {
    match operation {
        // By value, also where a number is written differently.
        PatchOperation::Test(test) => match tree.pointer(test.path.as_str()) {
            None => Err(NOTHING_THERE.to_owned()),
            Some(found) if exact_json::same(found, &test.value) => Ok(()),
            Some(_) => Err("another value stands there".to_owned()),
        },
        PatchOperation::Remove(remove) if take(tree, &remove.path).is_some() => Ok(()),
        PatchOperation::Move(moved) if !moved.path.starts_with(&moved.from) => {
            match take(tree, &moved.from) {
                Some(value) => {
                    let path = moved.path.clone();
                    by_the_library(tree, &PatchOperation::Add(AddOperation { path, value }))
                }
                None => by_the_library(tree, operation),
            }
        }
        _ => by_the_library(tree, operation),
    }
}

const NOTHING_THERE: &str = "there is no such place in the data";

/// Takes a member out of an object, and leaves the others in their order, which the library does not.
fn take(tree: &mut Value, path: &Pointer) -> Option<Value> {
    let (parent, key) = path.split_back()?;
    let members = tree.pointer_mut(parent.as_str())?.as_object_mut()?;
    members.shift_remove(key.decoded().as_ref())
}

fn by_the_library(tree: &mut Value, operation: &PatchOperation) -> Result<(), String> {
    let applied = json_patch::patch_unsafe(tree, std::slice::from_ref(operation));
    applied.map_err(|error| match error.kind {
        PatchErrorKind::InvalidPointer => NOTHING_THERE.to_owned(),
        PatchErrorKind::InvalidFromPointer => "there is nothing at its `from`".to_owned(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(patch: &str, data: &str) -> Result<String, String> {
        JsonPatch::parse(patch).unwrap().apply(data)
    }

    #[test]
    fn each_operation_does_what_the_standard_says() {
        for (patch, data, wanted) in [
            (
                r#"[{"op":"add","path":"/b","value":2}]"#,
                r#"{"a":1}"#,
                r#"{"a":1,"b":2}"#,
            ),
            (
                r#"[{"op":"add","path":"/a/1","value":9}]"#,
                r#"{"a":[1,2]}"#,
                r#"{"a":[1,9,2]}"#,
            ),
            (
                r#"[{"op":"add","path":"/a/-","value":9}]"#,
                r#"{"a":[1]}"#,
                r#"{"a":[1,9]}"#,
            ),
            (
                r#"[{"op":"remove","path":"/a"}]"#,
                r#"{"a":1,"b":2}"#,
                r#"{"b":2}"#,
            ),
            (
                r#"[{"op":"remove","path":"/a/0"}]"#,
                r#"{"a":[1,2]}"#,
                r#"{"a":[2]}"#,
            ),
            (
                r#"[{"op":"replace","path":"/a","value":null}]"#,
                r#"{"a":1}"#,
                r#"{"a":null}"#,
            ),
            (
                r#"[{"op":"move","from":"/a","path":"/c"}]"#,
                r#"{"a":1,"b":2}"#,
                r#"{"b":2,"c":1}"#,
            ),
            (
                r#"[{"op":"move","from":"/a","path":"/a"}]"#,
                r#"{"a":1}"#,
                r#"{"a":1}"#,
            ),
            (
                r#"[{"op":"copy","from":"/a","path":"/b"}]"#,
                r#"{"a":[1]}"#,
                r#"{"a":[1],"b":[1]}"#,
            ),
            (
                r#"[{"op":"test","path":"/a","value":1.0}]"#,
                r#"{"a":1}"#,
                r#"{"a":1}"#,
            ),
            (
                r#"[{"op":"remove","path":"/a~1b~0c"}]"#,
                r#"{"a/b~c":1}"#,
                "{}",
            ),
        ] {
            assert_eq!(apply(patch, data).as_deref(), Ok(wanted), "{patch}");
        }
    }

    #[test]
    fn what_no_operation_mentions_stays_as_it_is() {
        let data = r#"{"z":1.10,"y":1,"x":18446744073709551617,"w":{"v":1E2}}"#;
        let wanted = r#"{"z":1.10,"x":18446744073709551617,"w":{"v":1E2},"u":2.50}"#;
        let patch = r#"[{"op":"remove","path":"/y"},{"op":"add","path":"/u","value":2.50}]"#;
        assert_eq!(apply(patch, data).as_deref(), Ok(wanted));
    }

    #[test]
    fn a_failing_operation_is_named_with_its_place() {
        for (patch, reason) in [
            (
                r#"[{"op":"remove","path":"/b"}]"#,
                "operation 0, remove at `/b`: there is no such place",
            ),
            (
                r#"[{"op":"test","path":"/a","value":1},{"op":"test","path":"/a","value":2}]"#,
                "operation 1, test at `/a`: another value",
            ),
            (
                r#"[{"op":"copy","from":"/x","path":"/b"}]"#,
                "there is nothing at its `from`",
            ),
            (
                r#"[{"op":"move","from":"/x","path":"/b"}]"#,
                "there is nothing at its `from`",
            ),
            (
                r#"[{"op":"move","from":"/o","path":"/o/p"}]"#,
                "inside itself",
            ),
            (
                r#"[{"op":"add","path":"/a/b","value":1}]"#,
                "there is no such place",
            ),
        ] {
            let error = apply(patch, r#"{"a":1,"o":{}}"#).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_patch_that_doubles_the_data_again_and_again_is_stopped() {
        let double = r#"{"op":"copy","from":"","path":"/a"}"#;
        let patch = format!("[{}]", [double; 70].join(","));
        let error = apply(&patch, r#"{"a":0}"#).unwrap_err();
        assert!(error.contains("deeper than 64 levels"), "{error}");
        let double = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
        let error = apply(&format!("[{}]", [double; 60].join(",")), r#"{"a":[0]}"#).unwrap_err();
        assert!(
            error.contains("1048576 bytes") || error.contains("64 levels"),
            "{error}"
        );
        let add = format!(
            r#"{{"op":"add","path":"/a/-","value":"{}"}}"#,
            "x".repeat(20_000)
        );
        let error = apply(
            &format!("[{}]", [add.as_str(); 60].join(",")),
            r#"{"a":[0]}"#,
        )
        .unwrap_err();
        assert!(error.contains("1048576 bytes"), "{error}");
    }

    #[test]
    fn what_is_no_patch_is_refused_with_the_reason() {
        for (text, reason) in [
            ("{}", "not a list"),
            ("[]", "no operations"),
            (
                r#"[{"op":"merge","path":"/a"}]"#,
                "operation 0 is none of RFC 6902",
            ),
            (r#"[{"op":"add","path":"a","value":1}]"#, "operation 0"),
            (r#"[{"op":"add","path":"/a"}]"#, "value"),
            ("[", "patch"),
        ] {
            let error = JsonPatch::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let long = format!("[{}]", [r#"{"op":"remove","path":"/a"}"#; 101].join(","));
        assert!(
            JsonPatch::parse(&long)
                .unwrap_err()
                .contains("101 operations")
        );
    }
}
