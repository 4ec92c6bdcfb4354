import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { refuse } from '../../core/error';
import type { ServiceIdentity } from '../../workloads/k8s/service-identity';

const ROLE = 'eks.amazonaws.com/role-arn';

/** The service account of an endpoint; it stands in the chart once, whoever shares it. */
export function ensureServiceAccount(scope: Construct, identity: ServiceIdentity, code: string): void {
  const { serviceAccountName } = identity;
  const annotations = identity._annotations();
  const taken = Chart.of(scope)
    .node.findAll()
    .find(
      (child): child is ApiObject => ApiObject.isApiObject(child) && child.kind === 'ServiceAccount' && child.name === serviceAccountName,
    );
  if (!taken) {
    // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
    new ApiObject(scope, 'ServiceAccount', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: serviceAccountName, ...(annotations ? { annotations } : {}) },
      automountServiceAccountToken: false,
    });
    return;
  }
  const [role, other] = [annotations, taken.metadata.toJson().annotations].map((each) => each?.[ROLE] ?? 'none');
  if (role === other) return;
  refuse(scope.node.path, {
    code,
    subject: 'identity',
    received: `service account ${serviceAccountName} with the role ${role}, where ${taken.node.path} has ${other}`,
    allowed: 'one role for one service account',
    fix: 'share one ServiceIdentity, or name the service accounts apart',
  });
}
