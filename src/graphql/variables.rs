//! Variables, coerced before execution as the specification has it (section 6.1.2): what is wrong with them is an error
//! of the request. Errors name the variable and the place in it, never the value, which may be a password.

use std::fmt;

use async_graphql::{
    Name, Positioned, ServerError, Value, Variables,
    indexmap::IndexMap,
    parser::types::{BaseType, Type, VariableDefinition},
};
use serde_json::{Map, Value as Json};

use super::{
    error::refusal,
    schema::scalar,
    types::{Input, Place, Types},
};
use crate::error::ErrorCode;

/// The value of each variable that was given or has a default in the operation; the others are left out. Values that
/// no variable is defined for are ignored.
pub fn coerce(
    definitions: &[Positioned<VariableDefinition>],
    mut given: Map<String, Json>,
    types: &Types,
) -> Result<Variables, Vec<ServerError>> {
    let mut variables = Variables::default();
    let mut errors = Vec::new();
    for definition in definitions {
        let (at, definition) = (definition.pos, &definition.node);
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let default = definition.default_value.as_ref().map(|value| value.node.clone());
        let value = match (given.remove(name.as_str()), default) {
            (Some(value), _) => Coercion { types, path: vec![Step::Variable(name)] }.value(value, ty),
            (None, Some(default)) => Ok(default),
            (None, None) if ty.nullable => continue,
            (None, None) => Err(format!("`${name}`: a value of type {ty} is required.")),
        };
        match value {
            Ok(value) => drop(variables.insert(name.clone(), value)),
            Err(message) => errors.push(refusal(ErrorCode::BadUserInput, message, Some(at))),
        }
    }
    if errors.is_empty() { Ok(variables) } else { Err(errors) }
}

struct Coercion<'a> {
    types: &'a Types,
    /// As in `$input.files[0].name`. Written down only for an error: there may be many values.
    path: Vec<Step<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Variable(&'a Name),
    Field(&'a str),
    Index(usize),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${name}"),
            Self::Field(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl<'a> Coercion<'a> {
    fn value(&mut self, value: Json, ty: &Type) -> Result<Value, String> {
        match (value, &ty.base) {
            (Json::Null, _) if ty.nullable => Ok(Value::Null),
            (Json::Null, _) => Err(self.wrong(&format!("must not be null; {ty} is expected"))),
            (Json::Array(items), BaseType::List(of)) => {
                let items = items.into_iter().enumerate();
                let list = items.map(|(index, item)| self.at(Step::Index(index), |at| at.value(item, of)));
                list.collect::<Result<_, _>>().map(Value::List)
            }
            // One value where a list is expected is a list of one.
            (value, BaseType::List(of)) => Ok(Value::List(vec![self.value(value, of)?])),
            (value, BaseType::Named(name)) => self.named(value, name),
        }
    }

    fn named(&mut self, value: Json, name: &Name) -> Result<Value, String> {
        let (types, found) = (self.types, kind(&value));
        match (types.input(name), value) {
            (Some(Input::Scalar), value) => {
                let value = scalar_value(name, value).filter(|value| scalar::is_valid(name, value));
                value.ok_or_else(|| self.wrong(&format!("{} is expected, not {found}", scalar::describe(name))))
            }
            (Some(Input::Enum(values)), Json::String(value)) if values.contains(&value) => {
                Ok(Value::Enum(Name::new(value)))
            }
            (Some(Input::Enum(_)), _) => Err(self.wrong(&format!("a value of {name} is expected"))),
            (Some(Input::Object(fields)), Json::Object(given)) => self.object(name, fields, given),
            (Some(Input::Object(_)), _) => Err(self.wrong(&format!("an object is expected, not {found}"))),
            // Validation has found this out before.
            (None, _) => Err(self.wrong(&format!("there is no type {name}"))),
        }
    }

    fn object(
        &mut self,
        name: &Name,
        fields: &'a [(String, Place)],
        mut given: Map<String, Json>,
    ) -> Result<Value, String> {
        let mut object = IndexMap::new();
        for (field, place) in fields {
            match given.remove(field) {
                Some(value) => {
                    let value = self.at(Step::Field(field), |at| at.value(value, &place.ty))?;
                    object.insert(Name::new(field), value);
                }
                None if place.is_required() => {
                    let message = format!("a value of type {} is required", place.ty);
                    return self.at(Step::Field(field), |at| Err(at.wrong(&message)));
                }
                None => {}
            }
        }
        match given.keys().next() {
            Some(unknown) => Err(self.wrong(&format!("{name} has no field \"{unknown}\""))),
            None => Ok(Value::Object(object)),
        }
    }

    fn at<T>(&mut self, step: Step<'a>, work: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.path.push(step);
        let result = work(self);
        self.path.pop();
        result
    }

    fn wrong(&self, what: &str) -> String {
        let path: String = self.path.iter().map(Step::to_string).collect();
        format!("`{path}`: {what}.")
    }
}

/// The value as the scalar's rules want it (section 3.5); `None` when it cannot be one.
fn scalar_value(name: &str, value: Json) -> Option<Value> {
    Some(match (name, value) {
        ("Int", Json::Number(number)) => {
            // `1.0` is an integer too; JSON does not tell them apart.
            let whole = number.as_i64().or_else(|| {
                let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
                #[allow(clippy::cast_possible_truncation, reason = "out of range it saturates, and is refused below")]
                Some(float as i64)
            })?;
            Value::from(i32::try_from(whole).ok()?)
        }
        ("Float", Json::Number(number)) => Value::Number(number),
        ("String" | "ID", Json::String(text)) => Value::String(text),
        ("ID", Json::Number(number)) if number.is_i64() || number.is_u64() => Value::String(number.to_string()),
        ("Boolean", Json::Bool(value)) => Value::Boolean(value),
        ("Int" | "Float" | "String" | "ID" | "Boolean", _) => return None,
        (_, value) => Value::from_json(value).ok()?,
    })
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(number) if number.is_f64() => "a number with a fraction, or a very large one",
        Json::Number(_) => "this number",
        Json::String(_) => "this string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
