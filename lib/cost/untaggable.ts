/** How the cost of types that cannot carry tags still finds its owner; the first match wins. */
const ROUTES: readonly (readonly [RegExp, string])[] = [
  [/^AWS::MSK::Topic$/, 'billed with its cluster; shared by topic through the cluster tags and the PER_TOPIC_PER_BROKER metrics'],
  [/^AWS::MSK::/, 'no cost of its own; billed with its cluster, which is tagged'],
  [/^AWS::EC2::(SecurityGroupIngress|SecurityGroupEgress)$/, 'no cost of its own'],
  [
    /^AWS::EC2::(Route|SubnetRouteTableAssociation|SubnetNetworkAclAssociation|VPCGatewayAttachment|EIPAssociation)$/,
    'no cost of its own; traffic is billed to the tagged gateway or VPC',
  ],
  [/^AWS::EC2::/, 'billed with the instance, volume or gateway it belongs to'],
  [/^AWS::IAM::/, 'no cost of its own'],
  [/^AWS::Lambda::/, 'billed with its function, which is tagged'],
  [/^AWS::Logs::/, 'billed with its log group, which is tagged'],
  [/^AWS::S3::BucketPolicy$/, 'no cost of its own'],
  [/^AWS::(SNS|SQS)::/, 'billed with its topic or queue'],
  [/^AWS::KMS::Alias$/, 'billed with its key, which is tagged'],
  [/^AWS::SecretsManager::/, 'billed with its secret, which is tagged'],
  [/^AWS::Glue::/, 'billed with the bucket that holds the data and the jobs that read it'],
  [/^AWS::Bedrock::DataSource$/, 'billed with its knowledge base, which is tagged'],
  [/^AWS::AutoScaling::LaunchConfiguration$/, 'billed with its group, whose tags propagate at launch'],
  [/^AWS::CDK::Metadata$/, 'no cost'],
  [/^AWS::CloudFormation::CustomResource$|^Custom::/, 'billed with the function behind its service token'],
];

/** The route by which the cost of an untaggable type is attributed. */
export function attributionRoute(type: string): string {
  return (
    ROUTES.find(([pattern]) => pattern.test(type))?.[1] ??
    'not taggable in CloudFormation; attributed with the tagged resource it belongs to'
  );
}
