import { MillraceError, type Violation } from '../core/error';
import { type Feature } from '../features/feature';
import { flowViolations } from '../features/feature-flow';
import type { FeatureSchema } from '../features/feature-schema';

/** What a model takes, and where it comes from. */
export interface ModelInputProps {
  /** The fields in the order in which the model was trained on them. */
  readonly fields: Feature[];
  /**
   * The feature groups that are read for a request.
   * @default - none: everything comes with the request
   */
  readonly featureGroups?: FeatureSchema[];
  /**
   * The fields that the caller sends with the request.
   * @default - none: everything comes from feature groups
   */
  readonly request?: Feature[];
}

/**
 * The input of a model: its signature, checked at synth against the feature groups and the request that feed it.
 *
 * @throws Millrace.ModelInputEmpty, Millrace.ModelInputAmbiguous, Millrace.FeatureFieldMissing, Millrace.FeatureFieldTypeMismatch
 */
export class ModelInput {
  /** The fields in order. */
  public readonly fields: Feature[];
  /** The feature groups that are read for a request. */
  public readonly featureGroups: FeatureSchema[];
  /** The fields that the caller sends. */
  public readonly request: Feature[];

  constructor(props: ModelInputProps) {
    this.fields = [...props.fields];
    this.featureGroups = [...(props.featureGroups ?? [])];
    this.request = [...(props.request ?? [])];
    const violations = this.violations();
    if (violations.length > 0) throw new MillraceError('ModelInput', violations);
  }

  /**
   * The signature as it is recorded with the endpoint, where an update can be compared with it: `name:Type` in order.
   * @internal
   */
  public get _signature(): string[] {
    return this.fields.map(({ name, type }) => `${name}:${type}`);
  }

  private violations(): Violation[] {
    if (this.fields.length === 0) {
      return [
        {
          code: 'Millrace.ModelInputEmpty',
          subject: 'fields',
          received: 'nothing',
          allowed: 'at least one field',
          fix: 'list the fields the model was trained on, in order, or leave the input out',
        },
      ];
    }
    const ends = [
      ...this.featureGroups.map(({ name, features }) => ({ what: `feature group ${name}`, features })),
      ...(this.request.length > 0 ? [{ what: 'the request', features: this.request }] : []),
    ];
    return this.fields.flatMap((field) => {
      const source = field.source ?? field.name;
      const having = ends.filter(({ features }) => features.some(({ name }) => name === source));
      if (having.length > 1)
        return [
          ambiguous(
            field,
            having.map(({ what }) => what),
          ),
        ];
      const [end] = having;
      const what = end?.what ?? (ends.map((each) => each.what).join(' and ') || 'the request');
      const features = end?.features ?? ends.flatMap((each) => each.features);
      return flowViolations(
        { what, fields: features.map(({ name, type }) => ({ name, type, typeName: type })) },
        { what: "the model's input", fields: [{ name: field.name, type: field.type, source }] },
      );
    });
  }
}

function ambiguous(field: Feature, ends: string[]): Violation {
  return {
    code: 'Millrace.ModelInputAmbiguous',
    subject: `${field.name} of the model's input`,
    received: `'${field.source ?? field.name}' in ${ends.join(' and ')}`,
    allowed: 'one place that it comes from',
    fix: 'rename the feature in one of the groups, or take that group out of featureGroups',
  };
}
