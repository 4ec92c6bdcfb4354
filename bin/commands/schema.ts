import { parseArgs } from 'util';
import { MillraceError, type Violation, show } from '../../lib/core/error';
import { schemaOf } from '../../lib/streaming/schema';
import { SCHEMAS_CONTEXT, type SchemaAssessment, SchemaHistory } from '../../lib/streaming/schema-history';
import { type SynthesizedSchema, synthesizedSchemas } from '../../lib/streaming/schema-record';
import { readSynthesis } from './check';
import { readProjectFile, refuseFile } from './project-files';

export const USAGE = `millrace schema <command> [options]

  check   compare the schemas of a synthesis with those accepted, each in its mode
  accept  the same, and write what is new as the next version: <subject>/<version>.avsc, .json or .proto
          --schemas DIR     the accepted schemas; default: context ${SCHEMAS_CONTEXT} of cdk.json, else schemas
          --templates DIR   CDK output, default cdk.out
          --manifests DIR   cdk8s output, default cdk8s.out
          --json            machine-readable
  --help

Nothing is written when anything is refused. Exit codes: 0 nothing refused, 1 something refused, 64 wrong usage.`;

const EX_USAGE = 64;

/** Options of `millrace schema check` and `accept`. */
export interface SchemaOptions {
  readonly templates: string;
  readonly manifests: string;
  readonly schemas?: string;
  readonly accept: boolean;
  readonly json: boolean;
}

/** A subject of a synthesis and what its history says of it. */
interface Subject {
  readonly schema: SynthesizedSchema;
  readonly assessment: SchemaAssessment;
}

/** `millrace schema …` as typed. */
export function schemaCommand(argv: string[], print: (text: string) => void): number {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      templates: { type: 'string', default: 'cdk.out' },
      manifests: { type: 'string', default: 'cdk8s.out' },
      schemas: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || !command) {
    print(USAGE);
    return values.help ? 0 : EX_USAGE;
  }
  if (rest.length > 0) throw new Error(`unexpected argument '${rest[0]}'`);
  if (command !== 'check' && command !== 'accept') throw new Error(`unknown command 'schema ${command}'`);
  const { templates, manifests, schemas, json } = values;
  return runSchema({ templates, manifests, schemas, json, accept: command === 'accept' }, print);
}

/** The folder of accepted schemas that a project uses. */
export function schemasDirectory(): string {
  const directory = readProjectFile('cdk.json', JSON.parse)?.context?.[SCHEMAS_CONTEXT] ?? 'schemas';
  return typeof directory === 'string'
    ? directory
    : refuseFile('cdk.json', `${SCHEMAS_CONTEXT}: ${show(directory)}`, 'the path of a folder');
}

/** Compares the schemas of a synthesis with those accepted, and accepts what is new. */
export function runSchema(options: SchemaOptions, print: (text: string) => void): number {
  const history = new SchemaHistory(options.schemas ?? schemasDirectory());
  const subjects = assessAll(history, synthesizedSchemas(readSynthesis(options)));
  const violations = distinct([...subjects.flatMap(({ assessment }) => assessment.violations), ...contradictions(subjects)]);
  const fresh = new Map(subjects.filter(isNew).map((subject) => [subject.schema.subject, subject]));
  const written = options.accept && violations.length === 0 ? [...fresh.values()].map((subject) => accept(history, subject)) : [];
  if (options.json) {
    const rows = subjects.map(({ schema: { definition: _definition, ...schema }, assessment }) => ({
      ...schema,
      version: assessment.current,
      isNew: isNew({ schema: { ...schema, definition: '' }, assessment }),
    }));
    print(JSON.stringify({ directory: history.directory, schemas: rows, violations, written }, undefined, 2));
    return violations.length > 0 ? 1 : 0;
  }
  print(`compared with ${history.directory}`);
  for (const violation of violations)
    print(`  error   ${violation.code} ${violation.subject}\n          ${violation.received}\n          fix: ${violation.fix}`);
  for (const subject of subjects) if (subject.assessment.violations.length === 0) print(lineOf(subject));
  print(`${violations.length} refused, ${fresh.size} new of ${new Set(subjects.map(({ schema }) => schema.subject)).size} subjects`);
  if (violations.length > 0) print('nothing was written; follow the fixes, or change the mode of the subject');
  else if (written.length > 0) print(`accepted: ${written.join(', ')}; commit ${written.length === 1 ? 'it' : 'them'}`);
  else if (fresh.size > 0 && !options.accept) print('accept what is new with millrace schema accept');
  return violations.length > 0 ? 1 : 0;
}

function assessAll(history: SchemaHistory, schemas: readonly SynthesizedSchema[]): Subject[] {
  const sorted = [...schemas].sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
  const damage: Violation[] = [];
  const subjects = sorted.flatMap((schema): Subject[] => {
    try {
      return [{ schema, assessment: history.assess(schema.subject, schemaOf(schema.format, schema.definition), schema.compatibility) }];
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      damage.push(...error.violations);
      return [];
    }
  });
  if (damage.length > 0) throw new MillraceError('millrace schema', distinct(damage));
  return subjects;
}

/** Two stacks or charts, such as those of two environments, that would both be the next version and differ. */
function contradictions(subjects: readonly Subject[]): Violation[] {
  const first = new Map<string, Subject>();
  return subjects.filter(isNew).flatMap((subject) => {
    const other = first.get(subject.schema.subject);
    first.set(subject.schema.subject, other ?? subject);
    if (!other || fingerprintOf(other) === fingerprintOf(subject)) return [];
    return [
      {
        code: 'Millrace.SchemaSubjectTwice',
        subject: subject.schema.subject,
        received: `two schemas that are not accepted, at ${other.schema.path} and ${subject.schema.path}`,
        allowed: 'one new version at a time',
        fix: 'give both the same schema, or synthesize one of them and accept it first',
      },
    ];
  });
}

function accept(history: SchemaHistory, { schema, assessment }: Subject): string {
  return history.append(schema.subject, assessment.versions[assessment.current - 1]);
}

function isNew({ assessment }: Subject): boolean {
  return assessment.notice?.code === 'Millrace.SchemaNotAccepted';
}

function fingerprintOf({ assessment }: Subject): string {
  return assessment.versions[assessment.current - 1].schema.fingerprint;
}

function lineOf(subject: Subject): string {
  const { schema, assessment } = subject;
  const state = isNew(subject) ? 'new' : assessment.notice ? 'older' : 'same';
  return `  ${state.padEnd(7)} ${schema.subject} version ${assessment.current} (${schema.format}, ${schema.compatibility})`;
}

function distinct(violations: readonly Violation[]): Violation[] {
  return [...new Map(violations.map((violation) => [JSON.stringify(violation), violation])).values()];
}
