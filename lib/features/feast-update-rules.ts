import type { Assembly } from '../core/assembly';
import { type ObjectPair, pairedObjects, sameJson, valuesAt } from '../core/changes';
import { KubernetesRemovalRule } from '../core/kubernetes-update-rules';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

const KIND = 'FeatureStore';
const FILES = [
  'spec.services.onlineStore.persistence',
  'spec.services.offlineStore.persistence',
  'spec.services.registry.local.persistence',
];

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** Fields of a FeatureStore that must stay, and what follows when they do not. */
abstract class FieldRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly fields: readonly string[],
    private readonly consequence: string,
    private readonly fix: string,
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, KIND).flatMap((pair) =>
      this.fields
        .filter((field) => this.matters(pair, field))
        .map((field) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: pair.after.id,
          message: `${field} changes from ${show(valuesAt(pair.before.manifest, field))} to ${show(valuesAt(pair.after.manifest, field))}: ${this.consequence}`,
          fix: this.fix,
        })),
    );
  }

  protected matters({ before, after }: ObjectPair, field: string): boolean {
    return !sameJson(valuesAt(before.manifest, field), valuesAt(after.manifest, field));
  }
}

class ProjectRule extends FieldRule {
  constructor() {
    super(
      'Millrace.FeastProjectChange',
      ['spec.feastProject'],
      'keys and tables begin with the project, so that this is a new, empty one and every read finds nothing',
      'keep the project, or make a second feature store, fill it and move the readers',
    );
  }
}

class StoreRule extends FieldRule {
  constructor() {
    super(
      'Millrace.FeastStoreChange',
      [...FILES.map((field) => `${field}.store.type`), 'spec.services.registry.local.persistence.file.path'],
      'nothing is moved from the old store to the new one, which is empty',
      'make a second feature store, fill it and move the readers; what a secret of the same name points to is not seen here',
    );
  }

  protected matters(pair: ObjectPair, field: string): boolean {
    return valuesAt(pair.before.manifest, field) !== undefined && super.matters(pair, field);
  }
}

class VolumeClaimRule extends FieldRule {
  constructor() {
    super(
      'Millrace.FeastVolumeClaimChange',
      FILES.map((field) => `${field}.file.pvc.create`),
      'the API server refuses the apply, for the claim cannot change once it is made',
      'keep it, and make the volume larger at the claim itself where its storage class lets it grow',
    );
  }

  protected matters(pair: ObjectPair, field: string): boolean {
    const both = [pair.before, pair.after].every(({ manifest }) => valuesAt(manifest, field) !== undefined);
    return both && super.matters(pair, field);
  }
}

/** The update rules for feature stores of Feast. */
export class FeastUpdateRules {
  /** Another project or store, which is empty; a claim that cannot change; a FeatureStore that leaves the manifests. */
  public static all(): IUpdateRule[] {
    return [new ProjectRule(), new StoreRule(), new VolumeClaimRule(), new KubernetesRemovalRule('Millrace.FeatureStoreRemoval', [KIND])];
  }

  private constructor() {}
}
