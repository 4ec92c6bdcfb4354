import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Schema } from '../../streaming/schema';
import { EventTimeEncoding } from '../event-time';
import type { FeatureSchema } from '../feature-schema';
import { fieldsOf } from '../schema-fields';
import type { IngestionMapping } from './ingestion-function/ingestion-mapping';

/** The bundle that scripts/bundle-functions.mjs makes; it stands beside the sources and in the package alike. */
const BUNDLE = path.join(__dirname, 'ingestion-function', 'bundle');

/** What the function has to know, all of it decided at synth. */
export function ingestionMapping(
  features: FeatureSchema,
  source: Schema,
  confluentSchemas: { readonly [id: string]: Schema } = {},
): IngestionMapping {
  const { eventTime } = features;
  const timeSource = eventTime.source ?? eventTime.name;
  const declared = fieldsOf(source).find(({ name }) => name === timeSource)?.time;
  const encoding = eventTime.encoding === EventTimeEncoding.DECLARED ? declared! : eventTime.encoding;
  return {
    format: source.format,
    schema: source.definition,
    confluentSchemas: Object.fromEntries(Object.entries(confluentSchemas).map(([id, { definition }]) => [id, definition])),
    entityKey: features.entityKey,
    eventTime: { name: eventTime.name, source: timeSource, encoding },
    features: features.features.map(({ name, type, source: from }) => ({ name, type, source: from ?? name })),
  };
}

/** The bundle with the mapping beside it: 2,500 features do not fit into the 4 KB of a function's environment (AWS Lambda quotas). */
export class IngestionCode {
  /** Code for a function. */
  public readonly code: lambda.Code;
  private readonly folder: string;

  constructor(mapping: IngestionMapping) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-ingestion-'));
    fs.cpSync(BUNDLE, this.folder, { recursive: true });
    fs.writeFileSync(path.join(this.folder, 'mapping.json'), JSON.stringify(mapping));
    this.code = lambda.Code.fromAsset(this.folder);
  }

  /** Removes the folder, whose copy is in the assembly once the function is there; without staging the assembly points to it. */
  public staged(isStagingDisabled: boolean): void {
    if (!isStagingDisabled) fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
