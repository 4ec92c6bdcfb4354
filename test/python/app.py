"""Uses the Python package that jsii-pacmak built, as a service team would, and checks what it synthesizes."""

import json
import pathlib
import sys
import tempfile

import aws_cdk as cdk
import cdk8s
import cdk8s_plus_27 as kplus
from aws_cdk import aws_ec2 as ec2
from millrace import core, cost, features, inference, models, streaming, workloads


def allocation(service: str) -> cost.CostAllocation:
    return cost.CostAllocation(team="fraud-ml", service=service, cost_center="CC-1042", environment="prod")


class StreamingStack(cdk.Stack):
    def __init__(self, scope, construct_id, **kwargs):
        super().__init__(scope, construct_id, **kwargs)
        vpc = ec2.Vpc(self, "Vpc", availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"])
        cluster = streaming.aws.KafkaCluster(
            self,
            "Kafka",
            vpc=vpc,
            demand=streaming.KafkaDemand(peak_ingress=cdk.Bitrate.mbps(240), partitions=120),
        )
        payments = cluster.add_topic("Payments", topic_name="payments.authorized", partitions=24)
        pods = workloads.aws.PodIdentity(self, "Pods", cluster_name="ml", namespace="fraud", service_account_name="radar")
        payments.grants.consume(pods, group_id="fraud-features")


class PredictionStack(cdk.Stack):
    def __init__(self, scope, construct_id, **kwargs):
        super().__init__(scope, construct_id, **kwargs)
        cards = features.FeatureSchema(
            name="card-activity",
            entity_key="card_id",
            event_time=features.EventTime.epoch_millis("updated_at"),
            features=[
                features.Feature(name="card_id", type=features.FeatureType.STRING),
                features.Feature(name="payments_1h", type=features.FeatureType.INTEGRAL),
            ],
            owner="fraud-ml",
        )
        features.aws.FeatureStore(self, "Features").add_feature_group("Cards", schema=cards)
        inference.aws.ModelEndpoint(
            self,
            "Radar",
            model=models.ModelSource.container(
                image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/radar:2.3.0",
                input=models.ModelInput(
                    fields=[features.Feature(name="payments_1h", type=features.FeatureType.INTEGRAL)], feature_groups=[cards]
                ),
            ),
            demand=inference.EndpointDemand(
                peak_requests_per_second=1200,
                latency=cdk.Duration.millis(20),
                p99=cdk.Duration.millis(60),
                concurrency_per_replica=8,
            ),
            hosting=inference.aws.EndpointHosting.real_time(instance_type="ml.c7g.xlarge"),
        )


def main() -> None:
    out = pathlib.Path(tempfile.mkdtemp())
    app = cdk.App(outdir=str(out / "cdk.out"))
    cdk.Validations.of(app).add_plugins(cost.TagPolicy())
    stack = StreamingStack(app, "Streaming", env=cdk.Environment(region="eu-west-1"))
    allocation("kafka").apply_to(stack)
    prediction = PredictionStack(app, "Prediction", env=cdk.Environment(region="eu-west-1"))
    allocation("radar").apply_to(prediction)
    app.synth()
    resources = json.loads((out / "cdk.out" / "Streaming.template.json").read_text())["Resources"].values()
    types = [resource["Type"] for resource in resources]
    assert types.count("AWS::MSK::Cluster") == 1 and types.count("AWS::MSK::Topic") == 1, types
    cluster = next(resource for resource in resources if resource["Type"] == "AWS::MSK::Cluster")
    assert cluster["Metadata"]["millrace.io/sizing"]["choice"] == "express.m7g.large x 3", cluster["Metadata"]

    predicted = json.loads((out / "cdk.out" / "Prediction.template.json").read_text())["Resources"].values()
    endpoint = next(resource for resource in predicted if resource["Type"] == "AWS::SageMaker::Endpoint")
    assert endpoint["Metadata"]["millrace.io/model-input"] == ["payments_1h:Integral"], endpoint["Metadata"]

    manifests = core.k8s.App(outdir=str(out / "cdk8s.out"))
    chart = cdk8s.Chart(manifests, "radar", namespace="fraud")
    workloads.k8s.Service(
        chart,
        "Radar",
        image="registry.example.com/fraud/radar:2.3.0",
        size=workloads.PodSize.fixed(cpu=kplus.Cpu.millis(500), memory=cdk.Size.mebibytes(768)),
        identity=workloads.k8s.ServiceIdentity.pod_identity("radar"),
    )
    allocation("radar").apply_to(chart)
    manifests.synth()
    text = (out / "cdk8s.out" / "radar.k8s.yaml").read_text()
    assert text.count("team: fraud-ml") == 7, text.count("team: fraud-ml")

    try:
        cost.CostAllocation(team="", service="radar", cost_center="CC-1042", environment="prod")
    except RuntimeError as error:
        assert "Millrace.CostAllocationValueInvalid" in str(error), error
    else:
        sys.exit("an empty team name was accepted")
    print("python: a cluster, a topic, a feature group, an endpoint and a service synthesized; an empty team name refused")


main()
