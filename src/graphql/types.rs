//! The types of the schema as a table, read once from its own SDL: what variables are coerced to, and which places have
//! a default.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind, TypeSystemDefinition},
    },
};

/// An argument, or a field of an input object.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it takes.
    pub ty: Type,
    /// Whether the schema gives it a value when it is left out.
    pub has_default: bool,
}

impl Place {
    /// Whether it has to be given.
    pub fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// A type that values can have.
#[derive(Debug)]
pub enum Input {
    /// By name; see [`super::schema::scalar`] for the rules of our own.
    Scalar,
    /// Its values.
    Enum(HashSet<String>),
    /// Its fields, in their order.
    Object(Vec<(String, Place)>),
}

#[derive(Debug)]
struct OutputField {
    /// Without lists and exclamation marks.
    ty: String,
    arguments: HashMap<String, Place>,
}

/// The table.
#[derive(Debug)]
pub struct Types {
    inputs: HashMap<String, Input>,
    outputs: HashMap<String, HashMap<String, OutputField>>,
}

impl Types {
    /// Reads the table from SDL of our own making.
    ///
    /// # Panics
    ///
    /// Panics when that is no SDL.
    #[must_use]
    pub fn read(sdl: &str) -> Self {
        let document = parse_schema(sdl).expect("the schema's own SDL can be parsed");
        let mut types = Self { inputs: HashMap::new(), outputs: HashMap::new() };
        for scalar in ["Int", "Float", "String", "Boolean", "ID"] {
            types.inputs.insert(scalar.to_owned(), Input::Scalar);
        }
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Scalar => drop(types.inputs.insert(name, Input::Scalar)),
                TypeKind::Enum(of) => {
                    let values = of.values.into_iter().map(|value| value.node.value.node.to_string()).collect();
                    types.inputs.insert(name, Input::Enum(values));
                }
                TypeKind::InputObject(of) => {
                    let fields = of.fields.into_iter().map(|field| place(field.node)).collect();
                    types.inputs.insert(name, Input::Object(fields));
                }
                TypeKind::Object(of) => types.add_output(name, of.fields.into_iter().map(|field| field.node)),
                TypeKind::Interface(of) => types.add_output(name, of.fields.into_iter().map(|field| field.node)),
                TypeKind::Union(_) => {}
            }
        }
        types
    }

    fn add_output(&mut self, name: String, fields: impl Iterator<Item = FieldDefinition>) {
        let field = |field: FieldDefinition| {
            let arguments = field.arguments.into_iter().map(|argument| place(argument.node)).collect();
            (field.name.node.to_string(), OutputField { ty: base(&field.ty.node).to_string(), arguments })
        };
        self.outputs.insert(name, fields.map(field).collect());
    }

    /// The type that values of this name have; `None` when there is none.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.get(name)
    }

    /// What an argument takes; `None` when there is no such argument (introspection aside).
    #[must_use]
    pub fn argument(&self, parent: Option<&str>, field: &str, argument: &str) -> Option<&Place> {
        self.outputs.get(parent?)?.get(field)?.arguments.get(argument)
    }

    /// The type that a field's own fields belong to.
    #[must_use]
    pub fn below(&self, parent: Option<&str>, field: &str) -> Option<&str> {
        Some(&self.outputs.get(parent?)?.get(field)?.ty)
    }

    /// The field of an input object.
    #[must_use]
    pub fn input_field(&self, object: &Type, field: &str) -> Option<&Place> {
        match self.input(base(object))? {
            Input::Object(fields) => fields.iter().find(|(name, _)| name == field).map(|(_, place)| place),
            _ => None,
        }
    }
}

/// The name of the type that operations of this kind begin with.
#[must_use]
pub fn root(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

/// The name of a type, without lists and exclamation marks.
#[must_use]
pub fn base(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => base(of),
    }
}

fn place(definition: InputValueDefinition) -> (String, Place) {
    let has_default = definition.default_value.is_some();
    (definition.name.node.to_string(), Place { ty: definition.ty.node, has_default })
}
