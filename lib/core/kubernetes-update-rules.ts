import type { Assembly, SynthesizedObject } from './assembly';
import { objectChanges, pairedObjects, sameJson, valuesAt } from './changes';
import { type Finding, FindingSeverity, type IUpdateRule } from './update-rule';

const IMMUTABLE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  DaemonSet: ['spec.selector'],
  StatefulSet: ['spec.selector', 'spec.serviceName', 'spec.podManagementPolicy', 'spec.volumeClaimTemplates'],
  Job: ['spec.selector', 'spec.template', 'spec.completionMode'],
  StorageClass: ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'],
  PersistentVolumeClaim: ['spec.storageClassName', 'spec.accessModes', 'spec.volumeMode'],
  RoleBinding: ['roleRef'],
  ClusterRoleBinding: ['roleRef'],
};

/** A field that the API server refuses to change: the apply fails half-way through a release. */
export class KubernetesImmutableFieldRule implements IUpdateRule {
  public readonly id = 'Millrace.KubernetesImmutableField';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after).flatMap((pair) =>
      (IMMUTABLE_FIELDS[pair.after.manifest.kind] ?? [])
        .filter((field) => !sameJson(valuesAt(pair.before.manifest, field), valuesAt(pair.after.manifest, field)))
        .map((field) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: pair.after.id,
          message: `${field} of a ${pair.after.manifest.kind} is immutable and changes from ${JSON.stringify(valuesAt(pair.before.manifest, field))} to ${JSON.stringify(valuesAt(pair.after.manifest, field))}: the API server refuses the apply`,
          fix: `keep ${field} as it was, or give the object a new name so that both exist during the change`,
        })),
    );
  }
}

/** An object with data that leaves the manifests: a pruning deployer deletes it. */
export class KubernetesRemovalRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly kinds: readonly string[],
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    const { removed, added } = objectChanges(before, after);
    return removed
      .filter((object) => this.kinds.includes(object.manifest.kind))
      .map((object) =>
        this.finding(
          object,
          added.find(({ manifest }) => manifest.kind === object.manifest.kind),
        ),
      );
  }

  private finding({ id, manifest }: SynthesizedObject, successor?: SynthesizedObject): Finding {
    const kept = manifest.metadata?.annotations?.['helm.sh/resource-policy'] === 'keep';
    const leaves = `${manifest.kind} ${manifest.metadata?.name} leaves the manifests`;
    if (kept && successor) {
      return {
        code: this.id,
        severity: FindingSeverity.ERROR,
        path: id,
        message: `${leaves} while ${successor.id} is new: after a rename that is a new, empty one beside the one that its annotations keep, unmanaged`,
        fix: 'keep the name and namespace of the object (set them where they follow the construct path)',
      };
    }
    return {
      code: this.id,
      severity: kept ? FindingSeverity.WARNING : FindingSeverity.ERROR,
      path: id,
      message: `${leaves}: ${kept ? 'its annotations make a pruning deployer keep it, unmanaged' : 'a pruning deployer deletes it with its data'}`,
      fix: 'keep the object, or delete it by hand once its data is not needed',
    };
  }
}
