/** Annotation with the mode that KServe runs a service in. */
export const DEPLOYMENT_MODE = 'serving.kserve.io/deploymentMode';
/** Annotation with who adds replicas. */
export const AUTOSCALER_CLASS = 'serving.kserve.io/autoscalerClass';
/** Name of the container that serves. */
export const SERVING_CONTAINER = 'kserve-container';
/** Port of the agent that KServe puts before the server for its logger. */
export const AGENT_PORT = 9081;
/** Port of a server of KServe's. */
export const SERVING_PORT = 8080;

/** Labels that KServe puts on the pods of an endpoint, those of candidates included. */
export function predictorLabels(endpointName: string): { [key: string]: string } {
  return { 'serving.kserve.io/inferenceservice': endpointName, component: 'predictor' };
}

/** Name of the Deployment and the Service of a predictor (KServe 0.20). */
export function predictorName(endpointName: string, predictor?: string): string {
  return `${endpointName}-${predictor ? `${predictor}-` : ''}predictor`;
}

/** Value of the label `app` of the pods of a predictor. */
export function appLabel(endpointName: string, predictor?: string): string {
  return `isvc.${predictorName(endpointName, predictor)}`;
}

/** Name of the Service that leads to the model, past the gateway. */
export function directServiceName(endpointName: string): string {
  return `${endpointName}-direct`;
}
