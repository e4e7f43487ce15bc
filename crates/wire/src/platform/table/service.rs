//! DynamoDB's operations on the table.

use std::cell::RefCell;

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_model::limits::Step;
use lifeboat_simulator::World;
use serde_json::{Value as Json, json};

use super::describe::describe;
use super::evaluate::{at, holds};
use super::expression::{self, Comparison, Condition, Operand, Path};
use super::layout::Place;
use super::request::{expression, key, known, placeholders, required, text};
use super::store::{Key, Store};
use super::value::{Item, Value, item_json, read_item, size_of_item};
use super::writes::Write;
use crate::callers::{Act, Callers};
use crate::face::Service;
use crate::platform::answer::{asked, json_1_0};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;
use crate::services::tables::describe_table;

/// The most bytes of one page.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// DynamoDB's namespace of shapes.
const SHAPE: &str = "com.amazonaws.dynamodb.v20120810";

/// DynamoDB, with one table of its own.
pub struct TableService {
    callers: Callers,
    name: String,
    store: RefCell<Store>,
}

/// Which items, in which order, how many.
struct Search {
    condition: Option<Condition>,
    filter: Option<Condition>,
    projection: Option<Vec<Path>>,
    backwards: bool,
    limit: usize,
    start: Option<Key>,
}

impl TableService {
    /// The table `name` of the world of `callers`.
    pub fn new(callers: Callers, name: impl Into<String>) -> Self {
        let service = Self { callers, name: name.into(), store: RefCell::default() };
        service.catch_up();
        service
    }

    fn catch_up(&self) {
        self.store.borrow_mut().catch_up(&self.callers.world().state().table);
    }

    async fn answer(&self, operation: &str, body: &Json, request: &Request) -> Result<Json, Refusal> {
        if operation == "ListTables" {
            return Ok(json!({"TableNames": [self.name]}));
        }
        if operation == "DescribeTable" && !self.is_own(body) {
            let (access_key, region) = caller(request)?;
            let name = text(body, "TableName").ok_or_else(|| required("tableName"))?;
            let found = describe_table(&self.callers, access_key, region, name).await?;
            return found.ok_or_else(not_found);
        }
        self.own(body)?;
        match operation {
            "GetItem" => self.get(body, request).await,
            "Query" => self.query(body, request).await,
            "Scan" => {
                let search = Search::read(body)?;
                let act = ("dynamodb:Scan", "item", Act::Look);
                self.call(act, request, |store, _| Ok(search.run(store))).await
            }
            "PutItem" => self.write("dynamodb:PutItem", Write::put(body)?, request).await,
            "UpdateItem" => self.write("dynamodb:UpdateItem", Write::update(body)?, request).await,
            "DeleteItem" => self.write("dynamodb:DeleteItem", Write::delete(body)?, request).await,
            "DescribeTable" => {
                let name = self.name.clone();
                let act = ("dynamodb:DescribeTable", "item", Act::Look);
                self.call(act, request, |store, world| Ok(describe(&name, store, world))).await
            }
            _ => Err(Refusal::unknown_operation(operation)),
        }
    }

    fn is_own(&self, body: &Json) -> bool {
        let asked = text(body, "TableName").unwrap_or_default();
        asked == self.name || asked.rsplit_once(":table/").is_some_and(|(_, name)| name == self.name)
    }

    fn own(&self, body: &Json) -> Result<(), Refusal> {
        if body.get("TableName").is_none() {
            return Err(required("tableName"));
        }
        if self.is_own(body) {
            return Ok(());
        }
        Err(not_found())
    }

    async fn get(&self, body: &Json, request: &Request) -> Result<Json, Refusal> {
        known(body)?;
        let placeholders = placeholders(body)?;
        let key = key(body)?;
        let projection = expression(body, "ProjectionExpression", &placeholders, expression::projection)?;
        placeholders.all_used().map_err(Refusal::invalid)?;
        let act = ("dynamodb:GetItem", Place::of(&key).resource(), Act::Look);
        self.call(act, request, |store, _| {
            let item = store.get(&key).map(|item| projected(item, projection.as_deref()));
            Ok(item.map_or_else(|| json!({}), |item| json!({"Item": item_json(&item)})))
        })
        .await
    }

    async fn query(&self, body: &Json, request: &Request) -> Result<Json, Refusal> {
        let search = Search::read(body)?;
        let Some(pk) = search.condition.as_ref().and_then(partition) else {
            return Err(Refusal::invalid("Query condition missed key schema element: pk"));
        };
        let resource = Place::of(&Key { pk: pk.to_owned(), sk: String::new() }).resource();
        self.call(("dynamodb:Query", resource, Act::Look), request, |store, _| Ok(search.run(store))).await
    }

    async fn write(&self, operation: &'static str, write: Write<'_>, request: &Request) -> Result<Json, Refusal> {
        let resource = Place::of(&write.key).resource();
        self.call((operation, resource, Act::Change), request, |store, world| write.make(store, world)).await
    }

    /// Does `effect` as a call of whoever sent `request`: it takes its time and meets its faults.
    async fn call(
        &self,
        (operation, resource, act): (&'static str, &str, Act),
        request: &Request,
        effect: impl FnOnce(&mut Store, &World) -> Result<Json, Refusal>,
    ) -> Result<Json, Refusal> {
        let (access_key, region) = caller(request)?;
        let ports = self.callers.ports(access_key, Step::StartRun, act, region);
        let answer = ports.call_table(operation, region, resource, |world| {
            self.catch_up();
            Ok(effect(&mut self.store.borrow_mut(), world))
        });
        answer.await?
    }
}

fn not_found() -> Refusal {
    Refusal::new("ResourceNotFoundException", "Requested resource not found")
}

/// Who sent `request`, and the Region that it is for.
fn caller(request: &Request) -> Result<(&str, &Region), Refusal> {
    let unsigned = || Refusal::new("MissingAuthenticationTokenException", "the request is not signed");
    let signature = request.signature.as_ref().ok_or_else(unsigned)?;
    Ok((&signature.access_key, &signature.region))
}

#[async_trait(?Send)]
impl Service for TableService {
    async fn serve(&self, request: &Request) -> Reply {
        let answer = match asked(request, "DynamoDB_20120810") {
            Ok((operation, body)) => self.answer(operation, &body, request).await,
            Err(refusal) => Err(refusal),
        };
        json_1_0(answer, SHAPE)
    }
}

fn projected(item: &Item, projection: Option<&[Path]>) -> Item {
    let Some(paths) = projection else { return item.clone() };
    // Of nested places the whole attribute is kept: this table has none.
    let named = |name: &String| paths.iter().any(|path| &path.attribute == name && at(item, path).is_some());
    item.iter().filter(|(name, _)| named(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The partition that a key condition names: `pk = :x`, alone or with one condition on the sort key.
fn partition(condition: &Condition) -> Option<&str> {
    let on = |operand: &Operand, name: &str| matches!(operand, Operand::Path(path) if path.attribute == name && path.within.is_empty());
    match condition {
        Condition::Compare(key, Comparison::Equal, Operand::Value(Value::S(pk))) if on(key, "pk") => Some(pk),
        Condition::And(a, b) => {
            let sorts = |c: &Condition| match c {
                Condition::Compare(key, how, Operand::Value(_)) => on(key, "sk") && *how != Comparison::NotEqual,
                Condition::BeginsWith(key, Operand::Value(_)) | Condition::Between(key, _, _) => on(key, "sk"),
                _ => false,
            };
            match (sorts(a), sorts(b)) {
                (false, true) => partition(a),
                (true, false) => partition(b),
                (_, _) => None,
            }
        }
        _ => None,
    }
}

impl Search {
    fn read(body: &Json) -> Result<Self, Refusal> {
        known(body)?;
        let placeholders = placeholders(body)?;
        let read = |field: &str| expression(body, field, &placeholders, expression::condition);
        let (condition, filter) = (read("KeyConditionExpression")?, read("FilterExpression")?);
        let projection = expression(body, "ProjectionExpression", &placeholders, expression::projection)?;
        placeholders.all_used().map_err(Refusal::invalid)?;
        let limit = match body.get("Limit") {
            None => usize::MAX,
            Some(limit) => {
                limit.as_u64().filter(|n| *n > 0).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
                    Refusal::invalid(format!("Limit must be greater than or equal to 1; it is {limit}"))
                })?
            }
        };
        let start = match body.get("ExclusiveStartKey") {
            None => None,
            Some(json) => {
                let item = read_item(json).map_err(Refusal::invalid)?;
                let (Some(Value::S(pk)), Some(Value::S(sk))) = (item.get("pk"), item.get("sk")) else {
                    return Err(Refusal::invalid("The provided starting key is invalid"));
                };
                Some(Key { pk: pk.clone(), sk: sk.clone() })
            }
        };
        let backwards = body.get("ScanIndexForward").and_then(Json::as_bool) == Some(false);
        Ok(Self { condition, filter, projection, backwards, limit, start })
    }

    /// One page.
    fn run(&self, store: &Store) -> Json {
        let matches = |item: &Item| self.condition.as_ref().is_none_or(|c| holds(c, item));
        let after = |key: &Key| match (&self.start, self.backwards) {
            (None, _) => true,
            (Some(start), false) => key > start,
            (Some(start), true) => key < start,
        };
        let mut found: Vec<(&Key, &Item)> = store.all().filter(|(key, item)| after(key) && matches(item)).collect();
        if self.backwards {
            found.reverse();
        }
        let (mut bytes, mut items, mut scanned, mut last) = (0, Vec::new(), 0, None);
        let all = found.len();
        for (key, item) in found {
            bytes += size_of_item(item);
            scanned += 1;
            if self.filter.as_ref().is_none_or(|filter| holds(filter, item)) {
                items.push(item_json(&projected(item, self.projection.as_deref())));
            }
            if scanned >= self.limit || bytes >= PAGE_BYTES_MAX && scanned < all {
                last = Some(json!({"pk": {"S": key.pk}, "sk": {"S": key.sk}}));
                break;
            }
        }
        let mut page = json!({"Items": items, "Count": items.len(), "ScannedCount": scanned});
        if let (Some(fields), Some(last)) = (page.as_object_mut(), last) {
            fields.insert("LastEvaluatedKey".to_owned(), last);
        }
        page
    }
}
