//! What an expression says of an item, and does to it.

use std::cmp::Ordering;

use super::expression::{Change, Comparison, Condition, Element, Operand, Path, Source};
use super::value::{Item, Number, Value};

/// What stands at `path`.
pub fn at<'a>(item: &'a Item, path: &Path) -> Option<&'a Value> {
    path.within.iter().try_fold(item.get(&path.attribute)?, |value, element| match (value, element) {
        (Value::M(fields), Element::Field(name)) => fields.get(name),
        (Value::L(list), Element::Item(number)) => list.get(*number),
        (_, _) => None,
    })
}

fn value_of(item: &Item, operand: &Operand) -> Option<Value> {
    match operand {
        Operand::Path(path) => at(item, path).cloned(),
        Operand::Value(value) => Some(value.clone()),
        Operand::Size(path) => {
            let size = match at(item, path)? {
                Value::S(text) => text.chars().count(),
                Value::B(base64) => base64.trim_end_matches('=').len() * 3 / 4,
                Value::L(list) => list.len(),
                Value::M(map) => map.len(),
                Value::Ss(set) | Value::Bs(set) => set.len(),
                Value::Ns(set) => set.len(),
                Value::N(_) | Value::Bool(_) | Value::Null => return None,
            };
            Number::read(&size.to_string()).map(Value::N)
        }
    }
}

/// Whether `condition` holds of `item`; of one that does not exist, of an empty one.
pub fn holds(condition: &Condition, item: &Item) -> bool {
    let value = |operand: &Operand| value_of(item, operand);
    match condition {
        Condition::And(a, b) => holds(a, item) && holds(b, item),
        Condition::Or(a, b) => holds(a, item) || holds(b, item),
        Condition::Not(a) => !holds(a, item),
        Condition::Compare(a, how, b) => compared(value(a), *how, value(b)),
        Condition::Between(a, low, high) => {
            compared(value(a), Comparison::AtLeast, value(low)) && compared(value(a), Comparison::AtMost, value(high))
        }
        Condition::In(a, these) => these.iter().any(|b| compared(value(a), Comparison::Equal, value(b))),
        Condition::Exists(path) => at(item, path).is_some(),
        Condition::NotExists(path) => at(item, path).is_none(),
        Condition::BeginsWith(a, b) => match (value(a), value(b)) {
            (Some(Value::S(text)), Some(Value::S(start))) => text.starts_with(&start),
            (_, _) => false,
        },
        Condition::Contains(a, b) => match (value(a), value(b)) {
            (Some(Value::S(text)), Some(Value::S(part))) => text.contains(&part),
            (Some(Value::L(list)), Some(one)) => list.contains(&one),
            (Some(Value::Ss(set)), Some(Value::S(one))) => set.contains(&one),
            (Some(Value::Ns(set)), Some(Value::N(one))) => set.contains(&one),
            (_, _) => false,
        },
        Condition::Type(path, kind) => match (at(item, path), value(kind)) {
            (Some(found), Some(Value::S(kind))) => found.kind() == kind,
            (_, _) => false,
        },
    }
}

/// A comparison with what is not there holds in one case only: that two things differ.
fn compared(a: Option<Value>, how: Comparison, b: Option<Value>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return how == Comparison::NotEqual };
    let order = a.order(&b);
    match how {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// The item after `changes`. All of them see it as it was before.
///
/// # Errors
/// Why an update cannot be made, in DynamoDB's words.
pub fn changed(item: &Item, changes: &[Change]) -> Result<Item, String> {
    let mut after = item.clone();
    for change in changes {
        match change {
            Change::Set(path, source) => set(&mut after, path, sourced(item, source)?)?,
            Change::Remove(path) => remove(&mut after, path)?,
        }
    }
    Ok(after)
}

fn sourced(item: &Item, source: &Source) -> Result<Value, String> {
    match source {
        Source::Operand(operand) => value_of(item, operand)
            .ok_or_else(|| "The provided expression refers to an attribute that does not exist in the item".to_owned()),
        Source::IfNotExists(path, otherwise) => match at(item, path) {
            Some(value) => Ok(value.clone()),
            None => sourced(item, otherwise),
        },
        Source::Sum(a, sign, b) => {
            let wrong = || "An operand in the update expression has an incorrect data type".to_owned();
            match (sourced(item, a)?, sourced(item, b)?) {
                (Value::N(a), Value::N(b)) => a.combined(*sign, &b).map(Value::N).ok_or_else(wrong),
                (_, _) => Err(wrong()),
            }
        }
    }
}

const INVALID_PATH: &str = "The document path provided in the update expression is invalid for update";

fn set(item: &mut Item, path: &Path, value: Value) -> Result<(), String> {
    let Some((last, way)) = path.within.split_last() else {
        item.insert(path.attribute.clone(), value);
        return Ok(());
    };
    match (into(item, path, way)?, last) {
        (Value::M(fields), Element::Field(name)) => drop(fields.insert(name.clone(), value)),
        (Value::L(list), Element::Item(number)) => match list.get_mut(*number) {
            Some(place) => *place = value,
            None => list.push(value),
        },
        (_, _) => return Err(INVALID_PATH.to_owned()),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path) -> Result<(), String> {
    let Some((last, way)) = path.within.split_last() else {
        item.remove(&path.attribute);
        return Ok(());
    };
    match (into(item, path, way)?, last) {
        (Value::M(fields), Element::Field(name)) => drop(fields.remove(name)),
        (Value::L(list), Element::Item(number)) if *number < list.len() => drop(list.remove(*number)),
        (Value::L(_), Element::Item(_)) => {}
        (_, _) => return Err(INVALID_PATH.to_owned()),
    }
    Ok(())
}

fn into<'a>(item: &'a mut Item, path: &Path, way: &[Element]) -> Result<&'a mut Value, String> {
    let missing = || INVALID_PATH.to_owned();
    let first = item.get_mut(&path.attribute).ok_or_else(missing)?;
    way.iter().try_fold(first, |value, element| match (value, element) {
        (Value::M(fields), Element::Field(name)) => fields.get_mut(name).ok_or_else(missing),
        (Value::L(list), Element::Item(number)) => list.get_mut(*number).ok_or_else(missing),
        (_, _) => Err(missing()),
    })
}
