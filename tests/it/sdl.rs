//! The schema as data: read from the text that clients read.

use std::collections::BTreeMap;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// The types of the schema by name.
pub(crate) struct Sdl(BTreeMap<String, TypeDefinition>);

impl Sdl {
    /// The schema of this build.
    pub(crate) fn of_this_build() -> Self {
        let document = parse_schema(gamebot_event_store::graphql::sdl()).unwrap();
        let types = document
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(definition) => {
                    let definition = definition.node;
                    Some((definition.name.node.to_string(), definition))
                }
                TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
            });
        Self(types.collect())
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = (&str, &TypeDefinition)> {
        self.0
            .iter()
            .map(|(name, definition)| (name.as_str(), definition))
    }

    pub(crate) fn kind(&self, name: &str) -> Option<&TypeKind> {
        self.0.get(name).map(|definition| &definition.kind)
    }

    /// The fields of an object or interface; none of any other type.
    pub(crate) fn fields(&self, name: &str) -> &[Positioned<FieldDefinition>] {
        match self.kind(name) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Interface(interface)) => &interface.fields,
            _ => &[],
        }
    }

    pub(crate) fn members(&self, union: &str) -> Vec<String> {
        match self.kind(union) {
            Some(TypeKind::Union(union)) => union
                .members
                .iter()
                .map(|member| member.node.to_string())
                .collect(),
            other => panic!("{union} is no union: {other:?}"),
        }
    }

    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        match self.kind(name) {
            Some(TypeKind::Enum(values)) => values
                .values
                .iter()
                .map(|value| value.node.value.node.to_string())
                .collect(),
            other => panic!("{name} is no enum: {other:?}"),
        }
    }

    /// A selection of everything that a type has: objects down to their leaves, the members of unions each
    /// by its name. Fields that lead to other nodes are left out, as are those that need an argument.
    pub(crate) fn selection(&self, name: &str) -> String {
        match self.kind(name) {
            Some(TypeKind::Union(_)) => {
                let members = self.members(name).into_iter();
                let members =
                    members.map(|member| format!("... on {member} {}", self.selection(&member)));
                format!("{{ __typename {} }}", members.collect::<Vec<_>>().join(" "))
            }
            Some(TypeKind::Object(object)) => {
                let fields = object.fields.iter().map(|field| {
                    let below = self.selection(&base(&field.node.ty.node));
                    format!("{} {below}", field.node.name.node)
                });
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))
            }
            _ => String::new(),
        }
    }
}

/// The name of a type without its lists and exclamation marks.
pub(crate) fn base(ty: &Type) -> String {
    ty.to_string().replace(['[', ']', '!'], "")
}

/// Everything in a type's definition that can have a description, by its path, with what it has.
pub(crate) fn described<'a>(
    name: &str,
    definition: &'a TypeDefinition,
) -> Vec<(String, Option<&'a str>)> {
    let mut found = vec![(name.to_owned(), text(definition.description.as_ref()))];
    let mut inputs = |path: &str, inputs: &'a [Positioned<InputValueDefinition>]| {
        inputs
            .iter()
            .map(|input| {
                let path = format!("{path}.{}", input.node.name.node);
                (path, text(input.node.description.as_ref()))
            })
            .collect::<Vec<_>>()
    };
    match &definition.kind {
        TypeKind::Object(object) => found.extend(fields(name, &object.fields, &mut inputs)),
        TypeKind::Interface(object) => found.extend(fields(name, &object.fields, &mut inputs)),
        TypeKind::InputObject(object) => found.extend(inputs(name, &object.fields)),
        TypeKind::Enum(values) => found.extend(values.values.iter().map(|value| {
            let path = format!("{name}.{}", value.node.value.node);
            (path, text(value.node.description.as_ref()))
        })),
        TypeKind::Scalar | TypeKind::Union(_) => {}
    }
    found
}

type Described<'a> = Vec<(String, Option<&'a str>)>;

fn fields<'a>(
    name: &str,
    fields: &'a [Positioned<FieldDefinition>],
    inputs: &mut impl FnMut(&str, &'a [Positioned<InputValueDefinition>]) -> Described<'a>,
) -> Described<'a> {
    let mut found = Vec::new();
    for field in fields {
        let path = format!("{name}.{}", field.node.name.node);
        found.push((path.clone(), text(field.node.description.as_ref())));
        found.extend(inputs(&path, &field.node.arguments));
    }
    found
}

fn text(description: Option<&Positioned<String>>) -> Option<&str> {
    description
        .map(|text| text.node.trim())
        .filter(|text| !text.is_empty())
}
