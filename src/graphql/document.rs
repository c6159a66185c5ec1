//! What async-graphql's validation misses, and a copy of the document as it can judge it.
//!
//! It never checks whether a variable fits where it is used (section 5.8.5), leaves input objects that hold variables
//! alone, and does not look at what stands on a `__typename`: so that a variable used in `@skip` and `@include` there
//! passes for unused. These are checked here, and conditions are constants in the copy that it sees.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos, Positioned, ServerError,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection,
        SelectionSet, Type,
    },
};
use async_graphql_value::{ConstValue, Value};

use super::{
    error::invalid,
    types::{Place, Types, base, root},
};

/// Checks the uses of variables, and makes the copy for validation.
pub fn for_validation(document: &ExecutableDocument, types: &Types) -> Result<ExecutableDocument, ServerError> {
    let mut copy = document.clone();
    let mut fragments = HashMap::new();
    for (name, fragment) in &mut copy.fragments {
        let on = fragment.node.type_condition.node.on.node.to_string();
        let mut uses = Uses::new(types);
        uses.set(Some(&on), &mut fragment.node.selection_set.node)?;
        fragments.insert(name.clone(), uses);
    }
    match &mut copy.operations {
        DocumentOperations::Single(operation) => check(&mut operation.node, types, &fragments)?,
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                check(&mut operation.node, types, &fragments)?;
            }
        }
    }
    Ok(copy)
}

fn check(
    operation: &mut OperationDefinition,
    types: &Types,
    fragments: &HashMap<Name, Uses<'_>>,
) -> Result<(), ServerError> {
    for definition in &operation.variable_definitions {
        let ty = &definition.node.var_type.node;
        if types.input(base(ty)).is_none() {
            let message = format!("\"{ty}\" is no type that the variable \"${}\" can have.", definition.node.name);
            return Err(invalid(message, Some(definition.pos)));
        }
    }
    let mut own = Uses::new(types);
    own.set(Some(root(operation.ty)), &mut operation.selection_set.node)?;

    // Everything that the operation reaches, each fragment once.
    let (mut reached, mut next) = (vec![&own], own.spreads.iter().collect::<Vec<_>>());
    let mut seen = HashSet::new();
    while let Some(name) = next.pop() {
        if let Some(uses) = fragments.get(name).filter(|_| seen.insert(name)) {
            reached.push(uses);
            next.extend(&uses.spreads);
        }
    }
    for used in reached.iter().flat_map(|uses| &uses.all) {
        let mut definitions = operation.variable_definitions.iter();
        let Some(definition) = definitions.find(|definition| definition.node.name.node == used.variable) else {
            return Err(invalid(format!("Variable \"${}\" is not defined.", used.variable), Some(used.at)));
        };
        let definition = &definition.node;
        let default = definition.default_value.as_ref().map(|value| &value.node);
        let never_null = default.is_some_and(|value| *value != ConstValue::Null);
        if !fits(&definition.var_type.node, never_null, &used.place) {
            let message = format!(
                "Variable \"${}\" of type \"{}\" does not fit here: \"{}\" is expected.",
                used.variable, definition.var_type, used.place.ty
            );
            return Err(invalid(message, Some(used.at)));
        }
    }
    // What was used in conditions alone would now seem unused; what never was used still does.
    let in_conditions: HashSet<_> = reached.iter().flat_map(|uses| &uses.in_conditions).collect();
    let in_arguments: HashSet<_> = reached.iter().flat_map(|uses| &uses.in_arguments).collect();
    operation.variable_definitions.retain(|definition| {
        let name = &definition.node.name.node;
        in_arguments.contains(name) || !in_conditions.contains(name)
    });
    Ok(())
}

/// Whether a variable of this type fits a place (`IsVariableUsageAllowed`, section 5.8.5).
fn fits(variable: &Type, never_null: bool, place: &Place) -> bool {
    let excused = variable.nullable && !place.ty.nullable && (never_null || place.has_default);
    (excused || place.ty.nullable || !variable.nullable) && base_fits(&variable.base, &place.ty.base)
}

fn base_fits(variable: &BaseType, place: &BaseType) -> bool {
    match (variable, place) {
        (BaseType::Named(variable), BaseType::Named(place)) => variable == place,
        (BaseType::List(variable), BaseType::List(place)) => {
            (place.nullable || !variable.nullable) && base_fits(&variable.base, &place.base)
        }
        _ => false,
    }
}

/// A use of a variable in a place that takes values of a known type.
struct Use {
    variable: Name,
    at: Pos,
    place: Place,
}

/// The uses of variables in one operation or fragment, and what it spreads.
struct Uses<'t> {
    types: &'t Types,
    all: Vec<Use>,
    in_arguments: HashSet<Name>,
    in_conditions: HashSet<Name>,
    spreads: HashSet<Name>,
}

impl<'t> Uses<'t> {
    fn new(types: &'t Types) -> Self {
        Self {
            types,
            all: Vec::new(),
            in_arguments: HashSet::new(),
            in_conditions: HashSet::new(),
            spreads: HashSet::new(),
        }
    }

    fn set(&mut self, parent: Option<&str>, set: &mut SelectionSet) -> Result<(), ServerError> {
        for selection in &mut set.items {
            for directive in selection.node.directives_mut() {
                self.condition(directive)?;
            }
            match &mut selection.node {
                Selection::Field(field) => self.field(parent, field)?,
                Selection::InlineFragment(inline) => {
                    let inline = &mut inline.node;
                    let on = inline.type_condition.as_ref().map(|condition| condition.node.on.node.to_string());
                    self.set(on.as_deref().or(parent), &mut inline.selection_set.node)?;
                }
                Selection::FragmentSpread(spread) => {
                    self.spreads.insert(spread.node.fragment_name.node.clone());
                }
            }
        }
        Ok(())
    }

    /// Makes the condition of `@skip` or `@include` a constant; other directives have no business in a selection.
    fn condition(&mut self, directive: &mut Positioned<Directive>) -> Result<(), ServerError> {
        let (at, directive) = (directive.pos, &mut directive.node);
        let is_known = matches!(directive.name.node.as_str(), "skip" | "include");
        let arguments = directive.arguments.as_mut_slice();
        let [(name, value)] = arguments else { return Err(wrong_condition(&directive.name.node, at)) };
        if !is_known || name.node != "if" {
            return Err(wrong_condition(&directive.name.node, at));
        }
        match &value.node {
            Value::Boolean(_) => {}
            Value::Variable(variable) => {
                self.in_conditions.insert(variable.clone());
                let ty = Type { base: BaseType::Named(Name::new("Boolean")), nullable: false };
                let place = Place { ty, has_default: false };
                self.all.push(Use { variable: variable.clone(), at: value.pos, place });
                value.node = Value::Boolean(true);
            }
            _ => return Err(wrong_condition(&directive.name.node, at)),
        }
        Ok(())
    }

    fn field(&mut self, parent: Option<&str>, field: &mut Positioned<Field>) -> Result<(), ServerError> {
        let (at, field, types) = (field.pos, &mut field.node, self.types);
        let name = &field.name.node;
        if name == "__typename" && !(field.arguments.is_empty() && field.selection_set.node.items.is_empty()) {
            return Err(invalid("\"__typename\" has neither arguments nor fields.", Some(at)));
        }
        for (argument, value) in &field.arguments {
            self.remember(&value.node);
            if let Some(place) = types.argument(parent, name, &argument.node) {
                self.value(&value.node, place, value.pos)?;
            }
        }
        self.set(types.below(parent, name), &mut field.selection_set.node)
    }

    fn value(&mut self, value: &Value, place: &Place, at: Pos) -> Result<(), ServerError> {
        let types = self.types;
        match (value, &place.ty.base) {
            (Value::Variable(variable), _) => {
                self.all.push(Use { variable: variable.clone(), at, place: place.clone() });
                Ok(())
            }
            (Value::List(items), BaseType::List(of)) => {
                let place = Place { ty: (**of).clone(), has_default: false };
                items.iter().try_for_each(|item| self.value(item, &place, at))
            }
            (Value::Object(_), BaseType::List(of)) => {
                self.value(value, &Place { ty: (**of).clone(), has_default: false }, at)
            }
            (Value::Object(object), BaseType::Named(name)) => object.iter().try_for_each(|(key, item)| {
                let unknown = || invalid(format!("\"{name}\" has no field \"{key}\"."), Some(at));
                self.value(item, types.input_field(&place.ty, key).ok_or_else(unknown)?, at)
            }),
            _ => Ok(()),
        }
    }

    fn remember(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => drop(self.in_arguments.insert(name.clone())),
            Value::List(items) => items.iter().for_each(|item| self.remember(item)),
            Value::Object(object) => object.values().for_each(|item| self.remember(item)),
            _ => {}
        }
    }
}

fn wrong_condition(name: &Name, at: Pos) -> ServerError {
    let message = match name.as_str() {
        "skip" | "include" => format!("\"@{name}\" takes one argument, `if`: true, false or a variable."),
        _ => format!("There is no directive \"@{name}\" for selections."),
    };
    invalid(message, Some(at))
}
