import type { Violation } from '../core/error';
import { avroIncompatibilities } from './avro-compatibility';
import { Compatibility } from './compatibility';
import { type Incompatibility, checksOf } from './compatibility-checks';
import { jsonSchemaIncompatibilities } from './json-schema-compatibility';
import { protobufIncompatibilities, protobufReuses } from './protobuf-compatibility';
import { type Schema, SchemaFormat } from './schema';

/** A version of a subject that was accepted. */
export interface AcceptedVersion {
  /** Its number, from 1. */
  readonly version: number;
  /** What it says. */
  readonly schema: Schema;
}

const LANGUAGE: Readonly<Record<SchemaFormat, (reader: string, writer: string) => Incompatibility[]>> = {
  [SchemaFormat.AVRO]: avroIncompatibilities,
  [SchemaFormat.JSON_SCHEMA]: jsonSchemaIncompatibilities,
  [SchemaFormat.PROTOBUF]: protobufIncompatibilities,
};

/** Everything in which a reader does not understand a writer of the same format. */
export function incompatibilities(reader: Schema, writer: Schema): Incompatibility[] {
  return LANGUAGE[reader.format](reader.definition, writer.definition);
}

/** What forbids a new version of a subject: each field that breaks, with the rule and the version that it breaks for. */
export function forbiddenChanges(
  subject: string,
  proposed: Schema,
  mode: Compatibility,
  accepted: readonly AcceptedVersion[],
): Violation[] {
  const last = accepted[accepted.length - 1];
  if (last === undefined || mode === Compatibility.NONE) return [];
  if (mode === Compatibility.DISABLED) {
    return [
      {
        code: 'Millrace.SchemaFrozen',
        subject,
        received: `a schema other than version ${last.version}, in mode DISABLED`,
        allowed: 'the one accepted version, because DISABLED takes no further one',
        fix: 'change it back, take another mode, or make a topic with a schema of its own',
      },
    ];
  }
  if (last.schema.format !== proposed.format) {
    return [
      {
        code: 'Millrace.SchemaIncompatible',
        subject,
        received: `${mode}: the format changed from ${last.schema.format} to ${proposed.format}, and no reader reads both`,
        allowed: `the format of version ${last.version}, ${last.schema.format}`,
        fix: 'make a topic of its own for the new format, and move the readers',
      },
    ];
  }
  const { backward, forward, all } = checksOf(mode);
  const reuses = (before: Schema) =>
    proposed.format === SchemaFormat.PROTOBUF ? protobufReuses(proposed.definition, before.definition) : [];
  return (all ? accepted : [last]).flatMap(({ version, schema }) => [
    // In whichever direction records are read: what reserved a number said that it is not to be used again.
    ...reuses(schema).map((found) => violation(found, found.backward, version, true)),
    ...(backward ? incompatibilities(proposed, schema).map((found) => violation(found, found.backward, version, true)) : []),
    ...(forward ? incompatibilities(schema, proposed).map((found) => violation(found, found.forward, version, false)) : []),
  ]);

  function violation(found: Incompatibility, text: string, version: number, isBackward: boolean): Violation {
    return {
      code: 'Millrace.SchemaIncompatible',
      subject: [subject, found.path].filter(Boolean).join(' '),
      received: `${mode}: ${text} (compared with version ${version})`,
      allowed: isBackward
        ? `a schema whose readers read what was written with version ${version}`
        : `a schema whose records the readers of version ${version} read`,
      fix: found.fix,
    };
  }
}
