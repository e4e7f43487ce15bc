"""A routing control as the published sample sets it: the first endpoint that answers; read, set, read again."""

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger, tracer, metrics = Logger(service="bench"), Tracer(service="bench"), Metrics(namespace="bench", service="bench")


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event, _context):
    for endpoint in event["endpoints"]:
        try:
            return {"status": switch(endpoint, event["control"], event["state"])}
        except Exception:
            logger.exception("failed to update by this endpoint")
    return {"status": "NotUpdated"}


@tracer.capture_method
def switch(endpoint, control, state):
    client = boto3.client("route53-recovery-cluster", endpoint_url=endpoint["url"], region_name=endpoint["region"])
    logger.info(client.get_routing_control_state(RoutingControlArn=control)["RoutingControlState"])
    client.update_routing_control_state(RoutingControlArn=control, RoutingControlState=state)
    metrics.add_metric(name="Updated", unit=MetricUnit.Count, value=1)
    return client.get_routing_control_state(RoutingControlArn=control)["RoutingControlState"]
