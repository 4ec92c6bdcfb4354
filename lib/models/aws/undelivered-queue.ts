import { Duration, Validations } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Where an event goes that could not be delivered for a day: two weeks to find out why and send it again. */
export class UndeliveredQueue extends sqs.Queue {
  constructor(scope: Construct, id: string) {
    super(scope, id, { encryption: sqs.QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: Duration.days(14) });
    Validations.of(this).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'it is the dead-letter queue of an EventBridge rule' });
  }
}
