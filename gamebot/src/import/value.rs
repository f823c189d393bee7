//! The shapes that earlier versions gave to values, wherever they stand in the data.

use serde_json::{Map, Value};

/// The mark of a set, beside the list of its items.
const SET_MARK: &str = "__mapset__";

/// The modules of the modes, by the last part of their names.
const MODE_MODULES: &[(&str, &str)] = &[
    ("TwoPlayerMode", "two_player"),
    ("KnockoutMode", "knockout"),
    ("RaceMode", "race"),
    ("GolfRaceMode", "golf_race"),
    ("LongformMode", "longform"),
];

/// The keys of free JSON. What stands under them is the writer's own, except for its sets.
const FREE_KEYS: &[&str] = &[
    "config",
    "context",
    "new",
    "notification_settings",
    "old",
    "ui_preferences",
];

/// Brings the values of an object, and of everything inside of it, into the form of today.
pub(super) fn modernize(object: &mut Map<String, Value>) {
    for (key, value) in object {
        list_sets(value);
        if FREE_KEYS.contains(&key.as_str()) {
            continue;
        }
        if key == "mode" || key.ends_with("_mode") {
            replace_text(value, MODE_MODULES, |text| {
                text.rsplit('.').next().unwrap_or(text)
            });
        } else if key.ends_with("_id") {
            id_as_text(value);
        } else if let Value::Array(ids) = value
            && key.ends_with("_ids")
        {
            ids.iter_mut().for_each(id_as_text);
        }
        modernize_inside(value);
    }
}

fn modernize_inside(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(modernize_inside),
        Value::Object(object) => modernize(object),
        _ => {}
    }
}

/// Replaces a text by what the table has for it. `shorten` takes away what the table leaves out.
pub(super) fn replace_text(
    value: &mut Value,
    table: &[(&str, &str)],
    shorten: impl Fn(&str) -> &str,
) {
    let Some(old) = value.as_str().map(shorten) else {
        return;
    };
    if let Some((_, new)) = table.iter().find(|(old_text, _)| *old_text == old) {
        *value = Value::String((*new).to_owned());
    }
}

fn list_sets(value: &mut Value) {
    if let Some(items) = items_of_set(value) {
        *value = Value::Array(items);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(list_sets),
        Value::Object(object) => object.values_mut().for_each(list_sets),
        _ => {}
    }
}

/// The items of a set in its tagged form, without duplicates, in the order of the first occurrence.
/// An object with more keys than the tagged form has is not one: it is somebody's own data.
fn items_of_set(value: &mut Value) -> Option<Vec<Value>> {
    let object = value.as_object_mut()?;
    if object.len() != 2 || object.get(SET_MARK) != Some(&Value::Bool(true)) {
        return None;
    }
    let mut unique: Vec<Value> = Vec::new();
    for item in object.get("items")?.as_array()? {
        if !unique.contains(item) {
            unique.push(item.clone());
        }
    }
    Some(unique)
}

/// Discord's ids are too great for the numbers of many readers, so they are text today.
fn id_as_text(value: &mut Value) {
    if let Value::Number(number) = value
        && number.is_u64()
    {
        *value = Value::String(number.to_string());
    }
}
