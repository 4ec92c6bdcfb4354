import { checkAutoscalers } from './autoscalers';
import type { Json } from './manifest';
import { groupKindOf, namespaceOf, subjectOf } from './manifest';
import { checkNamesAndLabels } from './names-and-labels';
import { checkRestricted } from './pod-security';
import { podTemplateOf } from './pod-templates';
import { checkPod } from './pods';
import { checkPodPorts, checkPorts } from './ports';
import { checkReferences } from './references';
import { checkResources } from './resources';

/**
 * What a schema cannot see in a set of manifests deployed together: syntax of names, labels and quantities, selectors, ports,
 * volumes, references between the objects. What Pod Security's `restricted` refuses starts with `restricted: `.
 */
export function checkBeyondSchema(manifests: Json[]): string[] {
  return [...duplicates(manifests), ...manifests.flatMap((manifest) => checkObject(manifest, manifests))];
}

function checkObject(manifest: Json, set: Json[]): string[] {
  const subject = subjectOf(manifest);
  const pod = podTemplateOf(manifest);
  const problems = [
    ...checkNamesAndLabels(manifest),
    ...checkResources(manifest),
    ...checkPorts(manifest),
    ...checkReferences(manifest, set),
    ...checkAutoscalers(manifest, set),
    ...(pod ? [...checkPod(pod), ...checkPodPorts(pod)] : []),
  ];
  const restricted = pod ? [...checkRestricted(pod)] : [];
  return [...problems.map((problem) => `${subject}: ${problem}`), ...restricted.map((problem) => `restricted: ${subject}: ${problem}`)];
}

function duplicates(manifests: Json[]): string[] {
  const seen = new Set<string>();
  return manifests.flatMap((manifest) => {
    const id = [groupKindOf(manifest), namespaceOf(manifest), manifest.metadata?.name].join(' ');
    const isRepeated = manifest.metadata?.name !== undefined && seen.has(id);
    seen.add(id);
    return isRepeated ? [`${subjectOf(manifest)}: is in the set twice`] : [];
  });
}
