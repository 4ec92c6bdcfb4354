"""Uses the Python package that jsii-pacmak built, as a service team would, and checks what it synthesizes."""

import json
import pathlib
import sys
import tempfile

import aws_cdk as cdk
import cdk8s
import cdk8s_plus_27 as kplus
from aws_cdk import aws_ec2 as ec2
from millrace import core, cost, streaming, workloads


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


def main() -> None:
    out = pathlib.Path(tempfile.mkdtemp())
    app = cdk.App(outdir=str(out / "cdk.out"))
    cdk.Validations.of(app).add_plugins(cost.TagPolicy())
    stack = StreamingStack(app, "Streaming", env=cdk.Environment(region="eu-west-1"))
    allocation("kafka").apply_to(stack)
    app.synth()
    resources = json.loads((out / "cdk.out" / "Streaming.template.json").read_text())["Resources"].values()
    types = [resource["Type"] for resource in resources]
    assert types.count("AWS::MSK::Cluster") == 1 and types.count("AWS::MSK::Topic") == 1, types
    cluster = next(resource for resource in resources if resource["Type"] == "AWS::MSK::Cluster")
    assert cluster["Metadata"]["millrace.io/sizing"]["choice"] == "express.m7g.large x 3", cluster["Metadata"]

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
    print("python: one cluster, one topic and one service synthesized; an empty team name refused")


main()
