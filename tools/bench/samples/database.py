"""A global database as the published sample fails it over: with loss of data allowed, and nothing awaited."""

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger, tracer, metrics = Logger(service="bench"), Tracer(service="bench"), Metrics(namespace="bench", service="bench")


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event, _context):
    client = boto3.client("rds")
    logger.info(client.describe_global_clusters(GlobalClusterIdentifier=event["global_cluster"])["GlobalClusters"][0]["Status"])
    client.failover_global_cluster(
        GlobalClusterIdentifier=event["global_cluster"], TargetDbClusterIdentifier=event["target"], AllowDataLoss=True)
    metrics.add_metric(name="FailedOver", unit=MetricUnit.Count, value=1)
    return {"status": "done"}
