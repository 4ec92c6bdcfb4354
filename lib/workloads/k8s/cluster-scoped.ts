import { type ApiObject, Chart, JsonPatch } from 'cdk8s';

/** Makes an object one of the cluster: cdk8s writes the namespace of the chart into it, and only a patch takes it back. */
export function clusterScoped(object: ApiObject): ApiObject {
  if (Chart.of(object).namespace !== undefined) object.addJsonPatch(JsonPatch.remove('/metadata/namespace'));
  return object;
}
