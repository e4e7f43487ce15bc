//! The AWS services that adapters call.
//!
//! Purpose: names each service once, for its endpoint and its client. Guarantees: none. Effects: none. Fails when: never.

/// The AWS services that adapters call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Amazon RDS.
    Rds,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon CloudWatch.
    CloudWatch,
    /// AWS Step Functions.
    StepFunctions,
    /// The data plane of routing control.
    RoutingControl,
    /// Amazon ElastiCache.
    ElastiCache,
    /// Amazon ECS.
    Ecs,
    /// Application Auto Scaling.
    AutoScaling,
    /// Elastic Load Balancing, of application and network load balancers.
    LoadBalancing,
    /// Amazon MQ.
    Mq,
    /// Amazon SNS.
    Sns,
    /// Amazon S3.
    S3,
}

impl Service {
    pub(super) const ALL: [Self; 12] = [
        Self::Rds,
        Self::DynamoDb,
        Self::CloudWatch,
        Self::StepFunctions,
        Self::RoutingControl,
        Self::ElastiCache,
        Self::Ecs,
        Self::AutoScaling,
        Self::LoadBalancing,
        Self::Mq,
        Self::Sns,
        Self::S3,
    ];

    /// The variable that overrides its endpoint, as the SDKs and the AWS CLI know it.
    pub const fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Rds => "AWS_ENDPOINT_URL_RDS",
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::CloudWatch => "AWS_ENDPOINT_URL_CLOUDWATCH",
            Self::StepFunctions => "AWS_ENDPOINT_URL_SFN",
            Self::RoutingControl => "AWS_ENDPOINT_URL_ROUTE53_RECOVERY_CLUSTER",
            Self::ElastiCache => "AWS_ENDPOINT_URL_ELASTICACHE",
            Self::Ecs => "AWS_ENDPOINT_URL_ECS",
            Self::AutoScaling => "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
            Self::LoadBalancing => "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2",
            Self::Mq => "AWS_ENDPOINT_URL_MQ",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
        }
    }
}
