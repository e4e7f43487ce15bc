//! The table: Lifeboat's own, as DynamoDB serves it.
//!
//! Purpose: the shipped adapters and the AWS CLI read and write items; what the world's invariants look at is the same
//! table, typed. Guarantees: an item that is written is decoded into the world's table within the same moment; what a step
//! wrote in this process stands in the items before the next of them is read. An item that does not decode stays, as in
//! life, and the log says so. Effects: writes the table. Fails when: never.

mod describe;
mod evaluate;
mod expression;
mod layout;
mod lexer;
mod placeholders;
mod request;
mod reserved;
mod service;
mod store;
mod value;
mod writes;

pub use service::TableService;
