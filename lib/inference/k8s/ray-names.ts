/** Label of every pod of an endpoint on Ray; it stays when the cluster is swapped, as those of KubeRay do not. */
export const ENDPOINT_LABEL = 'millrace.io/endpoint';
/** Label in which KubeRay says what a pod is: head or worker. */
export const NODE_TYPE = 'ray.io/node-type';
/** Label in which KubeRay says which cluster a pod is of. */
export const CLUSTER_LABEL = 'ray.io/cluster';
/** Port of the proxy that takes requests. */
export const SERVE_PORT = 8000;
/** Port of the dashboard, through which the operator deploys. */
export const DASHBOARD_PORT = 8265;
/** Port of the agent on every node. */
export const AGENT_PORT = 52365;
/** Port of the metrics. */
export const METRICS_PORT = 8080;
