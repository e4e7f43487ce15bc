//! What Lifeboat itself stands on: the table, Step Functions, Lambda, SNS, S3, STS.

pub mod answer;
pub mod table;
