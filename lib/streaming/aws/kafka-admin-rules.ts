import type { Rule } from '../../core/rule';
import type { KafkaAdminTarget } from './kafka-admin';

/**
 * IAM actions that change the cluster, as lists and quotas do, do not apply to MSK Serverless (Amazon MSK Developer Guide, "Semantics of IAM
 * authorization policy actions and resources": AlterCluster, AlterClusterDynamicConfiguration).
 */
export const NOT_ON_SERVERLESS: Rule<{ readonly cluster: KafkaAdminTarget }> = {
  code: 'Millrace.KafkaAdminOnServerless',
  subject: 'cluster',
  value: ({ cluster }) => (cluster.serverless ? 'MSK Serverless' : undefined),
  valid: () => false,
  allowed: 'a provisioned cluster: MSK Serverless has neither access control lists nor quotas for clients',
  fix: 'grant access to IAM roles with topic.grants, or use a provisioned cluster',
};
