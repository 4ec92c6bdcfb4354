import * as fs from 'fs';
import * as path from 'path';
import type { IConstruct } from 'constructs';
import { MillraceError, type Violation, show } from '../core/error';
import type { Compatibility } from './compatibility';
import { enforce } from '../core/rule';
import { type Schema, SchemaFormat, schemaOf } from './schema';
import { type AcceptedVersion, forbiddenChanges } from './schema-compatibility';
import { REGISTERED_SCHEMA_RULES } from './schema-registry';
import { indentJson } from './schema-text';

/** Context key with the folder of the accepted schemas. */
export const SCHEMAS_CONTEXT = 'millrace:schemas';
const DEFAULT_DIRECTORY = 'schemas';

const EXTENSIONS: Readonly<Record<string, SchemaFormat>> = {
  '.avsc': SchemaFormat.AVRO,
  '.json': SchemaFormat.JSON_SCHEMA,
  '.proto': SchemaFormat.PROTOBUF,
};

/** What the history says of the schema of an app. */
export interface SchemaAssessment {
  /** Every version that a registry is to hold, the oldest first: those accepted, and the app's own where it is new. */
  readonly versions: readonly AcceptedVersion[];
  /** Number of the version that the app uses. */
  readonly current: number;
  /** What forbids the new version. */
  readonly violations: readonly Violation[];
  /** What somebody should know. @default - the app uses the last accepted version */
  readonly notice?: { readonly code: string; readonly message: string };
}

/**
 * The schemas that were accepted, one folder a subject: `<subject>/<version>.avsc`, `.json` or `.proto`. The user commits it; only
 * `millrace schema accept` writes it, and a synth reads nothing else, no registry.
 */
export class SchemaHistory {
  /** The history of an app: context `millrace:schemas`, else `schemas`. */
  public static of(scope: IConstruct): SchemaHistory {
    const directory: unknown = scope.node.tryGetContext(SCHEMAS_CONTEXT) ?? DEFAULT_DIRECTORY;
    if (typeof directory === 'string' && directory !== '') return new SchemaHistory(directory);
    throw new MillraceError(scope.node.path, [
      {
        code: 'Millrace.SchemaHistoryDamaged',
        subject: SCHEMAS_CONTEXT,
        received: show(directory),
        allowed: 'the path of a folder',
        fix: `correct the context key ${SCHEMAS_CONTEXT}, or leave it out for ${DEFAULT_DIRECTORY}`,
      },
    ]);
  }

  constructor(public readonly directory: string) {}

  /**
   * The accepted versions of a subject, the oldest first.
   *
   * @throws Millrace.SchemaHistoryDamaged
   */
  public versions(subject: string): AcceptedVersion[] {
    // A synthesis of another program may name anything, and this is a path.
    enforce('SchemaHistory', { subject }, REGISTERED_SCHEMA_RULES);
    const folder = path.join(this.directory, subject);
    if (!fs.existsSync(folder)) return [];
    if (!fs.statSync(folder).isDirectory()) {
      const found = [damaged(folder, 'a file', 'move it away: every subject has a folder of its name')];
      throw new MillraceError(`schemas of ${subject}`, found);
    }
    const damage: Violation[] = [];
    const found: AcceptedVersion[] = [];
    for (const file of fs.readdirSync(folder).sort()) {
      const { name, ext } = path.parse(file);
      const format = EXTENSIONS[ext];
      // Notes and editor files may stand beside them.
      if (!format) continue;
      if (!/^[1-9]\d{0,5}$/.test(name)) {
        damage.push(damaged(path.join(folder, file), `a name that is no version number`, `name it 1${ext}, 2${ext} and so on`));
        continue;
      }
      if (!fs.statSync(path.join(folder, file)).isFile()) {
        damage.push(damaged(path.join(folder, file), 'a folder', 'restore the file from version control'));
        continue;
      }
      try {
        found.push({ version: Number(name), schema: schemaOf(format, fs.readFileSync(path.join(folder, file), 'utf8')) });
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        damage.push(damaged(path.join(folder, file), error.violations[0].received, 'restore the file from version control'));
      }
    }
    found.sort((a, b) => a.version - b.version);
    const numbers = found.map(({ version }) => version);
    // A file that cannot be read is named already; its number would be missing here for that reason alone.
    if (damage.length === 0 && numbers.some((version, index) => version !== index + 1)) {
      damage.push(damaged(folder, `versions ${numbers.join(', ')}`, 'restore the missing version, or remove the second file of a number'));
    }
    if (damage.length > 0) throw new MillraceError(`schemas of ${subject}`, damage);
    return found;
  }

  /** Compares the schema of an app with what was accepted. */
  public assess(subject: string, schema: Schema, mode: Compatibility): SchemaAssessment {
    const accepted = this.versions(subject);
    const known = accepted.filter((version) => version.schema.fingerprint === schema.fingerprint).pop();
    const last = accepted.length;
    if (known) {
      if (known.version === last) return { versions: accepted, current: last, violations: [] };
      return {
        versions: accepted,
        current: known.version,
        violations: [],
        notice: {
          code: 'Millrace.SchemaOlderThanAccepted',
          message: `${subject}: the schema of the app is version ${known.version}, though version ${last} was accepted after it; the registry keeps both`,
        },
      };
    }
    const violations = forbiddenChanges(subject, schema, mode, accepted);
    return {
      versions: [...accepted, { version: last + 1, schema }],
      current: last + 1,
      violations,
      notice: {
        code: 'Millrace.SchemaNotAccepted',
        message: `${subject}: version ${last + 1} is not in ${this.directory}, so no later change is compared with it; review it, run millrace schema accept, and commit the folder`,
      },
    };
  }

  /** Writes a new version, and returns its file. */
  public append(subject: string, { version, schema }: AcceptedVersion): string {
    const extension = Object.keys(EXTENSIONS).find((each) => EXTENSIONS[each] === schema.format);
    const file = path.join(this.directory, subject, `${version}${extension}`);
    const text = schema.format === SchemaFormat.PROTOBUF ? schema.definition : indentJson(schema.definition);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const staging = `${file}.new`;
    // Renamed into place: an interruption leaves no half of a version behind.
    fs.writeFileSync(staging, text.endsWith('\n') ? text : `${text}\n`);
    fs.renameSync(staging, file);
    return file;
  }
}

function damaged(file: string, received: string, fix: string): Violation {
  return {
    code: 'Millrace.SchemaHistoryDamaged',
    subject: file,
    received,
    allowed: 'versions 1, 2, 3 … as millrace schema accept wrote them',
    fix,
  };
}
