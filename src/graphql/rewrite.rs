//! The operation as it is executed: the one that was chosen, alone, with every use of a variable that has no value
//! taken out, so that the schema's defaults apply (section 6.4.1), and every condition a constant.

use async_graphql::{
    Positioned, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
        SelectionSet,
    },
};
use async_graphql_value::Value;

/// Makes a document that holds this operation and the fragments.
pub fn rewrite(
    mut operation: Positioned<OperationDefinition>,
    mut document: ExecutableDocument,
    variables: &Variables,
) -> ExecutableDocument {
    let given = Given(variables);
    for fragment in document.fragments.values_mut() {
        given.set(&mut fragment.node.selection_set.node);
    }
    given.set(&mut operation.node.selection_set.node);
    if operation.node.ty == OperationType::Subscription {
        spread_root(&mut operation.node, &document);
    }
    document.operations = DocumentOperations::Single(operation);
    document
}

/// async-graphql sees the root field of a subscription only where it stands outright, not in a fragment.
fn spread_root(operation: &mut OperationDefinition, document: &ExecutableDocument) {
    fn collect(set: &SelectionSet, document: &ExecutableDocument, fields: &mut Vec<Positioned<Selection>>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(_) => fields.push(selection.clone()),
                Selection::InlineFragment(inline) => collect(&inline.node.selection_set.node, document, fields),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        collect(&fragment.node.selection_set.node, document, fields);
                    }
                }
            }
        }
    }
    let mut fields = Vec::new();
    collect(&operation.selection_set.node, document, &mut fields);
    operation.selection_set.node.items = fields;
}

/// The variables that have a value.
struct Given<'a>(&'a Variables);

impl Given<'_> {
    fn has(&self, value: &Value) -> bool {
        !matches!(value, Value::Variable(name) if !self.0.contains_key(name))
    }

    fn set(&self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            for directive in selection.node.directives_mut() {
                self.directive(&mut directive.node);
            }
            match &mut selection.node {
                Selection::Field(field) => self.field(&mut field.node),
                Selection::InlineFragment(inline) => self.set(&mut inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// A condition is never without a value: its variable must not be null.
    fn directive(&self, directive: &mut Directive) {
        for (_, value) in &mut directive.arguments {
            if let Value::Variable(name) = &value.node
                && let Some(constant) = self.0.get(name)
            {
                value.node = constant.clone().into_value();
            }
        }
    }

    fn field(&self, field: &mut Field) {
        field.arguments.retain_mut(|(_, value)| {
            let has_value = self.has(&value.node);
            self.value(&mut value.node);
            has_value
        });
        self.set(&mut field.selection_set.node);
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|_, item| self.has(item));
                object.values_mut().for_each(|item| self.value(item));
            }
            Value::List(items) => {
                for item in items {
                    // An item cannot be left out of a list: it is null.
                    if self.has(item) {
                        self.value(item);
                    } else {
                        *item = Value::Null;
                    }
                }
            }
            _ => {}
        }
    }
}
