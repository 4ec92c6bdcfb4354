/** A size that would also fit the same demand, with the limit that decides it. */
export interface SizingAlternative {
  /** The size in words, for example `express.m7g.large x 9`. */
  readonly choice: string;
  /** The limit that decided this size. */
  readonly bottleneck: string;
  /** Why it was not chosen, or why it might be. */
  readonly reason: string;
}

/** What a sizing says about itself, for classes that extend `Sizing`. */
export interface SizingDecision {
  /** The chosen size in words. */
  readonly choice: string;
  /** The limit that decided the size, for example `ingress` or `partitions`. */
  readonly bottleneck: string;
  /** Share of each limit that the demand uses on the chosen size: 1 is full. */
  readonly utilisation: { [limit: string]: number };
  /** Other sizes that fit, best first. */
  readonly alternatives: SizingAlternative[];
  /** One sentence that a reviewer can check by hand. */
  readonly reason: string;
}

/**
 * A decided size with its reason: what was chosen, which published limit decided it, how full every limit is and what else would fit.
 *
 * The decision is a function of its inputs alone, so it changes only when the demand or the version of this library does, and then as a
 * visible diff: it is written into the template's metadata or the manifest's annotations.
 */
export abstract class Sizing {
  /** Metadata key and annotation under which a sizing is recorded on its resource. */
  public static readonly RECORD_KEY = 'millrace.io/sizing';

  /** The chosen size in words. */
  public readonly choice: string;
  /** The limit that decided the size. */
  public readonly bottleneck: string;
  /** Share of each limit that the demand uses on the chosen size: 1 is full. */
  public readonly utilisation: { [limit: string]: number };
  /** Other sizes that fit, best first. */
  public readonly alternatives: SizingAlternative[];
  /** One sentence that a reviewer can check by hand. */
  public readonly reason: string;

  protected constructor(decision: SizingDecision) {
    this.choice = decision.choice;
    this.bottleneck = decision.bottleneck;
    this.utilisation = Object.fromEntries(Object.entries(decision.utilisation).map(([limit, share]) => [limit, Number(share.toFixed(4))]));
    this.alternatives = decision.alternatives;
    this.reason = decision.reason;
  }
}

interface TemplateResource {
  addMetadata(key: string, value: unknown): void;
}
interface ManifestObject {
  readonly metadata: { addAnnotation(key: string, value: string): void };
}

/** Records a sizing where reports read it: CloudFormation metadata on AWS, an annotation on Kubernetes. */
export function recordSizing(resource: TemplateResource | ManifestObject, sizing: Sizing): void {
  const { choice, bottleneck, utilisation, alternatives, reason } = sizing;
  const record = { choice, bottleneck, utilisation, alternatives, reason };
  if ('addMetadata' in resource) resource.addMetadata(Sizing.RECORD_KEY, record);
  else resource.metadata.addAnnotation(Sizing.RECORD_KEY, JSON.stringify(record));
}
