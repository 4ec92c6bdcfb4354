import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { CONTAINER_NAME, quantityOf } from './pod-template';
import { VerticalMode } from './vertical-mode';

/** What a vertical autoscaler is made of. */
export interface VerticalAutoscalerProps {
  readonly target: ApiObject;
  readonly labels: { [key: string]: string };
  readonly mode: VerticalMode;
  /** Whether a horizontal autoscaler acts on CPU utilisation. */
  readonly scalesByCpu: boolean;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly hasJvmHeap: boolean;
}

// The decided size is the middle of what it may recommend: far enough to show that the size is wrong, near enough to fit the same nodes.
const LEAST_SHARE = 0.25;
const MOST_SHARE = 2;
const MIB = 1024 * 1024;

/** A VerticalPodAutoscaler within bounds around the decided size; it runs only where its operator is installed. */
export class VerticalAutoscaler extends ApiObject {
  constructor(scope: Construct, id: string, props: VerticalAutoscalerProps) {
    const { target } = props;
    const amounts = (share: number, memoryShare = share) => ({
      cpu: `${Math.max(10, Math.round(props.cpuMillis * share))}m`,
      memory: quantityOf(Math.max(16 * MIB, Math.ceil((props.memoryBytes * memoryShare) / MIB) * MIB)),
    });
    super(scope, id, {
      apiVersion: 'autoscaling.k8s.io/v1',
      kind: 'VerticalPodAutoscaler',
      metadata: { labels: props.labels },
      spec: {
        targetRef: { apiVersion: target.apiVersion, kind: target.kind, name: target.name },
        updatePolicy: { updateMode: props.mode },
        resourcePolicy: {
          containerPolicies: [
            {
              containerName: CONTAINER_NAME,
              // A changed CPU request changes the utilisation, which is a share of it. A recommendation alone changes nothing.
              controlledResources: props.scalesByCpu && props.mode !== VerticalMode.OFF ? ['memory'] : ['cpu', 'memory'],
              // The memory limit keeps its ratio to the request.
              controlledValues: 'RequestsAndLimits',
              // What a JVM needs beside its heap does not shrink with the load.
              minAllowed: amounts(LEAST_SHARE, props.hasJvmHeap ? 1 : LEAST_SHARE),
              maxAllowed: amounts(MOST_SHARE),
            },
          ],
        },
      },
    });
  }
}
