const CLUSTER_ARN = 'arn:aws:kafka:eu-west-1:111122223333:cluster/made/uuid-1';
const REFERENCES: Record<string, string> = { 'AWS::Partition': 'aws', 'AWS::Region': 'eu-west-1', 'AWS::AccountId': '111122223333' };

/** What CloudFormation would make of a value; the ARN of every construct called `Kafka` is that of a cluster called `made`. */
export function evaluate(value: any): any {
  if (Array.isArray(value)) return value.map(evaluate);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument]] = Object.entries<any>(value);
  switch (name) {
    case 'Ref':
      return REFERENCES[argument] ?? `ref:${argument}`;
    case 'Fn::GetAtt':
      return /^Kafka[0-9A-F]{8}\.Arn$/.test(argument.join('.')) ? CLUSTER_ARN : argument.join('.');
    case 'Fn::Join':
      return evaluate(argument[1]).join(argument[0]);
    case 'Fn::Split':
      return evaluate(argument[1]).split(argument[0]);
    case 'Fn::Select':
      return evaluate(argument[1])[argument[0]];
    case 'Fn::ImportValue':
      return /GetAttKafka[0-9A-F]{8}Arn/.test(argument) ? CLUSTER_ARN : argument;
    default:
      throw new Error(`unknown function ${name}`);
  }
}
