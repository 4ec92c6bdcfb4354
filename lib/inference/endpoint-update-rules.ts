import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { pairedObjects, pairedResources, type ResourcePair } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { MODEL_INPUT_RECORD_KEY } from './model-endpoint';

const ENDPOINT = 'AWS::SageMaker::Endpoint';
const SCALABLE_TARGET = 'AWS::ApplicationAutoScaling::ScalableTarget';

/** What a template says about where a finding stands. */
function placeOf({ after, stackAfter }: ResourcePair): Pick<Finding, 'path' | 'templateFile' | 'logicalId'> {
  return { path: after.path, templateFile: stackAfter.templateFile, logicalId: after.logicalId };
}

/** The resource of the same stack that a value refers to. */
function referred(stack: SynthesizedStack, value: any): SynthesizedResource | undefined {
  const logicalId = value?.['Fn::GetAtt']?.[0] ?? value?.Ref;
  return stack.resources.find((resource) => resource.logicalId === logicalId);
}

/** The production variants of the configuration that an endpoint refers to; `undefined` when that stands elsewhere. */
function variantsOf(stack: SynthesizedStack, endpoint: SynthesizedResource): any[] | undefined {
  const variants = referred(stack, endpoint.properties.EndpointConfigName)?.properties.ProductionVariants;
  return Array.isArray(variants) ? variants : undefined;
}

/** The names of variants change: SageMaker updates an endpoint with guardrails only when they stay. */
class VariantRenamedRule implements IUpdateRule {
  public readonly id = 'Millrace.EndpointVariantRenamed';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, ENDPOINT).flatMap((pair) => {
      const [from, to] = [variantsOf(pair.stackBefore, pair.before), variantsOf(pair.stackAfter, pair.after)].map((variants) =>
        variants?.map(({ VariantName }) => String(VariantName)).sort(),
      );
      if (!from || !to || from.join() === to.join()) return [];
      return [
        {
          code: this.id,
          severity: FindingSeverity.ERROR,
          ...placeOf(pair),
          message: `the variants change from ${from.join(', ')} to ${to.join(', ')}; an update with guardrails needs the same names, so the deploy fails, and scaling and alarms are left with the old ones`,
          fix: 'keep the names and change the model of a variant, or make a second endpoint, move the callers and retire this one',
        },
      ];
    });
  }
}

/** Another name is another endpoint, and the callers ask for the former one. */
class EndpointRenamedRule implements IUpdateRule {
  public readonly id = 'Millrace.EndpointRenamed';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, ENDPOINT).flatMap((pair) => {
      const [from, to] = [pair.before.properties.EndpointName, pair.after.properties.EndpointName];
      if (typeof from !== 'string' || typeof to !== 'string' || from === to) return [];
      return [
        {
          code: this.id,
          severity: FindingSeverity.ERROR,
          ...placeOf(pair),
          message: `the endpoint ${from} is replaced by ${to}: the former one is deleted after the deploy, and whoever asks for it by name gets an error`,
          fix: `set endpointName to '${from}', or make a second endpoint, move the callers and retire this one`,
        },
      ];
    });
  }
}

/** Application Auto Scaling holds a variant to its instance type (SageMaker developer guide, update endpoints that use auto scaling). */
class ScaledInstanceTypeRule implements IUpdateRule {
  public readonly id = 'Millrace.EndpointInstanceTypeScaled';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, ENDPOINT).flatMap((pair) => {
      const types = new Map(variantsOf(pair.stackBefore, pair.before)?.map((variant) => [variant.VariantName, variant.InstanceType]));
      return (variantsOf(pair.stackAfter, pair.after) ?? [])
        .filter(({ VariantName, InstanceType }) => types.get(VariantName) !== undefined && InstanceType !== undefined)
        .filter(({ VariantName, InstanceType }) => types.get(VariantName) !== InstanceType && scales(pair, VariantName))
        .map(({ VariantName, InstanceType }) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          ...placeOf(pair),
          message: `variant ${VariantName} changes from ${types.get(VariantName)} to ${InstanceType} while it scales; SageMaker refuses the update`,
          fix: 'deploy scaling: EndpointScaling.fixed() first, then the instance type, then the scaling again',
        }));
    });
  }
}

/** Whether a variant scaled before: what is deregistered in the same deploy is so only after the endpoint has been updated. */
function scales({ before, stackBefore }: ResourcePair, variantName: unknown): boolean {
  return stackBefore.resources
    .filter(({ type }) => type === SCALABLE_TARGET)
    .map(({ properties }) => JSON.stringify(properties.ResourceId ?? ''))
    .some((id) => id.includes(`/variant/${String(variantName)}"`) && (id.includes(`"${before.logicalId}"`) || namesIt(id, before)));
}

function namesIt(resourceId: string, endpoint: SynthesizedResource): boolean {
  const { EndpointName } = endpoint.properties;
  return typeof EndpointName === 'string' && resourceId.includes(`endpoint/${EndpointName}/`);
}

/** What is recorded about the input of a model. */
function signatureOf(record: unknown): string[] | undefined {
  const value = typeof record === 'string' ? parsed(record) : record;
  return Array.isArray(value) && value.every((field) => typeof field === 'string') ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Written by someone else: nothing that could be compared.
    return undefined;
  }
}

/**
 * The input of a model changes in a way that its callers do not know. Models are fed by position as well as by name, so the fields that
 * there were stay, in their order and with their types; new ones come at the end.
 */
class ModelInputRule implements IUpdateRule {
  public readonly id = 'Millrace.ModelInputChanged';

  public check(before: Assembly, after: Assembly): Finding[] {
    return [
      ...pairedResources(before, after).flatMap((pair) =>
        this.compare(pair.before.metadata[MODEL_INPUT_RECORD_KEY], pair.after.metadata[MODEL_INPUT_RECORD_KEY], placeOf(pair)),
      ),
      ...pairedObjects(before, after).flatMap((pair) => {
        const [from, to] = [pair.before, pair.after].map(({ manifest }) => manifest.metadata?.annotations?.[MODEL_INPUT_RECORD_KEY]);
        return this.compare(from, to, { path: pair.after.id });
      }),
    ];
  }

  private compare(recordBefore: unknown, recordAfter: unknown, place: Pick<Finding, 'path' | 'templateFile' | 'logicalId'>): Finding[] {
    const [from, to] = [signatureOf(recordBefore), signatureOf(recordAfter)];
    if (!from || !to) return [];
    const changes = inputChanges(from, to);
    if (changes.length > 0) return [this.finding(FindingSeverity.ERROR, place, changes)];
    const added = to.slice(from.length);
    return added.length > 0
      ? [
          this.finding(
            FindingSeverity.WARNING,
            place,
            added.map((field) => `${field} is new at the end`),
          ),
        ]
      : [];
  }

  private finding(
    severity: FindingSeverity,
    place: Pick<Finding, 'path' | 'templateFile' | 'logicalId'>,
    changes: readonly string[],
  ): Finding {
    return {
      code: this.id,
      severity,
      ...place,
      message: `the input of the model changes: ${changes.join('; ')}; while the rollout goes on, callers meet both versions`,
      fix:
        severity === FindingSeverity.ERROR
          ? 'keep the fields in their order and add new ones at the end, or serve the new model at a second endpoint, move the callers and retire this one'
          : 'let the callers send it before this is deployed, or let the model do without it',
    };
  }
}

/** What callers of the former input would trip over. */
function inputChanges(from: readonly string[], to: readonly string[]): string[] {
  const nameOf = (field: string) => field.slice(0, field.lastIndexOf(':'));
  const typeOf = (field: string) => field.slice(field.lastIndexOf(':') + 1);
  const now = new Map(to.map((field, index) => [nameOf(field), { type: typeOf(field), index }]));
  return from.flatMap((field, index) => {
    const name = nameOf(field);
    const kept = now.get(name);
    if (!kept) return [`${field} is gone`];
    if (kept.type !== typeOf(field)) return [`${name} changes from ${typeOf(field)} to ${kept.type}`];
    return kept.index === index ? [] : [`${name} moves from place ${index + 1} to ${kept.index + 1}`];
  });
}

/** The update rules for model endpoints, both flavours. */
export class EndpointUpdateRules {
  /** Renamed endpoints and variants, instance types under scaling, and changed inputs of models. */
  public static all(): IUpdateRule[] {
    return [new VariantRenamedRule(), new EndpointRenamedRule(), new ScaledInstanceTypeRule(), new ModelInputRule()];
  }

  private constructor() {}
}
