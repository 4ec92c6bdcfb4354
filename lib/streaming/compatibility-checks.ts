import { Compatibility } from './compatibility';

/** What a mode asks of a new schema. */
export interface CompatibilityChecks {
  /** The new schema reads old data. */
  readonly backward: boolean;
  /** Old schemas read new data. */
  readonly forward: boolean;
  /** Against every version, not the last alone. */
  readonly all: boolean;
}

/** The checks of a mode. */
export function checksOf(mode: Compatibility): CompatibilityChecks {
  const [direction, extent] = mode.split('_');
  return {
    backward: direction === 'BACKWARD' || direction === 'FULL',
    forward: direction === 'FORWARD' || direction === 'FULL',
    all: extent === 'ALL',
  };
}

/**
 * The name of a mode in the API of Confluent's registry, which Apicurio serves too. It has none for DISABLED: the strictest one stands in,
 * and the check at synth refuses the second version.
 */
export function confluentLevelOf(mode: Compatibility): string {
  return mode === Compatibility.DISABLED ? 'FULL_TRANSITIVE' : mode.replace(/_ALL$/, '_TRANSITIVE');
}

/** One place where a reader does not understand a writer. */
export interface Incompatibility {
  /** The field, as a user would name it: `customer.address.city`, `tags[]`. Empty for the schema itself. */
  readonly path: string;
  /** What happened, where the reader is the new schema. */
  readonly backward: string;
  /** What happened, where the reader is an accepted schema and the writer the new one. */
  readonly forward: string;
  /** How to get there without the break. */
  readonly fix: string;
}

/** What happened to a field, in the words for a new and for an older reader. */
export function fieldChange(path: string, backward: string, forward: string, fix: string): Incompatibility {
  const subject = path ? `field '${path}'` : 'the schema';
  return { path, backward: `${subject} ${backward}`, forward: `${subject} ${forward}`, fix };
}
