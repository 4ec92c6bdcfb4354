import { builtinModules } from 'module';
import * as path from 'path';
import ts from 'typescript';

/** A file that breaks a rule of the house (DESIGN, section 2). */
export interface HouseViolation {
  readonly rule: string;
  readonly file: string;
  readonly message: string;
}

/** The sources of a house by their path from the project folder, and the packages its users have. */
export interface House {
  readonly sources: Readonly<Record<string, string>>;
  /** Names in `dependencies` and `peerDependencies`. */
  readonly declared: readonly string[];
}

type Flavour = 'aws' | 'k8s';

/** Where a file stands: `lib/<room>/[aws|k8s/]…`. A file of a room outside of both flavours is one of its contract files. */
interface Place {
  readonly path: string;
  /** Undefined for `lib/index.ts` and for what is not in lib at all. */
  readonly room?: string;
  readonly flavour?: Flavour;
  readonly isIndex: boolean;
  readonly inLib: boolean;
}

/** How a module is named in a file: at load, only for the type checker, or by a `require` that a function makes when it is called. */
type ReferenceKind = 'value' | 'type' | 'lazy';

interface Reference {
  readonly specifier: string;
  readonly kind: ReferenceKind;
  /** The file, when the specifier is relative. */
  readonly target?: Place;
  /** The package, when it is not. */
  readonly packageName?: string;
}

interface HouseFile extends Place {
  readonly text: string;
  readonly syntax: ts.SourceFile;
  readonly references: readonly Reference[];
}

interface Surroundings {
  readonly declared: readonly string[];
  /** Names of the construct classes, the frameworks' and the house's own. */
  readonly constructs: ReadonlySet<string>;
}

interface Rule {
  readonly id: string;
  /** One message for each violation. */
  check(file: HouseFile, surroundings: Surroundings): string[];
}

const MAX_LINES = 320;
const FRAMEWORKS = ['aws-cdk-lib', 'cdk8s', 'cdk8s-plus-27', 'constructs'];
const KUBERNETES_FRAMEWORKS = ['cdk8s', 'cdk8s-plus-27'];
const CONSTRUCT_BASES = ['Construct', 'Resource', 'Chart', 'Stack', 'NestedStack', 'Stage', 'App', 'ApiObject', 'CfnResource'];
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
// The last word says what a file is: data-quality is a concept, market-data is a bag.
const GRAB_BAG = /(^|-)(utils?|helpers?|common|managers?|data|infos?)$/;

/** Everything in a house that breaks a rule. */
export function checkHouse(house: House): HouseViolation[] {
  const paths = new Set(Object.keys(house.sources));
  const files = [...paths].sort().map((file) => readFile(file, house.sources[file], paths));
  const surroundings = { declared: house.declared, constructs: constructNames(files) };
  return files.flatMap((file) =>
    RULES.flatMap((rule) => rule.check(file, surroundings).map((message) => ({ rule: rule.id, file: file.path, message }))),
  );
}

/** The names of all rules. */
export function ruleIds(): string[] {
  return RULES.map((rule) => rule.id);
}

const RULES: readonly Rule[] = [
  {
    id: 'flavours-apart',
    check: (file) =>
      !file.flavour
        ? []
        : [
            ...file.references
              .filter(({ target }) => target?.flavour && target.flavour !== file.flavour)
              .map(({ specifier }) => `${specifier} is of the other flavour`),
            ...file.references
              .filter(
                ({ packageName, kind }) => file.flavour === 'aws' && kind !== 'type' && KUBERNETES_FRAMEWORKS.includes(packageName ?? ''),
              )
              .map(({ specifier }) => `${specifier} is loaded on the AWS side, which works without it`),
          ],
  },
  {
    id: 'contract-below-flavours',
    check: (file) =>
      file.flavour || file.isIndex || !file.room
        ? []
        : file.references
            .filter(({ target, kind }) => target?.flavour && !(target.room === file.room && kind === 'lazy'))
            .map(({ specifier }) => `a contract file names ${specifier}; only a require in a function may, and only for its own room`),
  },
  {
    id: 'no-import-of-index',
    check: (file) =>
      file.isIndex
        ? []
        : file.references
            .filter(({ target }) => target?.inLib && target.isIndex)
            .map(({ specifier }) => `${specifier} is an index: name the contract or construct file`),
  },
  {
    id: 'core-knows-no-room',
    check: (file) =>
      file.room !== 'core'
        ? []
        : file.references
            .filter(({ target }) => target?.inLib && target.room !== 'core')
            .map(({ specifier }) => `${specifier} is not in core`),
  },
  {
    id: 'cost-knows-core-only',
    check: (file) =>
      file.room !== 'cost'
        ? []
        : file.references
            .filter(({ target }) => target?.inLib && !['core', 'cost'].includes(target.room ?? ''))
            .map(({ specifier }) => `${specifier} is in neither cost nor core`),
  },
  {
    id: 'contracts-load-no-framework',
    check: (file) =>
      file.flavour || file.isIndex
        ? []
        : file.references
            .filter(({ packageName, kind }) => kind === 'value' && FRAMEWORKS.includes(packageName ?? ''))
            .map(({ specifier }) => `${specifier} is loaded with the file: import its type, or require it in the method that needs it`),
  },
  {
    id: 'lib-stands-alone',
    check: (file) =>
      file.references.filter(({ target }) => target && !target.inLib).map(({ specifier }) => `${specifier} is outside of lib`),
  },
  {
    id: 'declared-packages-only',
    check: (file, { declared }) =>
      file.references
        .filter(({ packageName }) => packageName && !declared.includes(packageName) && !builtinModules.includes(packageName))
        .map(({ specifier }) => `${specifier} is neither a dependency nor a peer`),
  },
  {
    id: 'index-exports-its-own-folder',
    check: (file) => (file.isIndex ? file.syntax.statements.flatMap((statement) => foreignExport(file, statement)) : []),
  },
  {
    id: 'constructs-in-flavour-folders',
    check: (file, { constructs }) => {
      if (file.flavour) return [];
      return classesOf(file.syntax)
        .filter(({ base }) => base && constructs.has(base))
        .map(({ name, base }) => `class ${name} extends ${base} and belongs in aws/ or k8s/`);
    },
  },
  {
    id: 'no-grab-bag',
    check: (file) =>
      wordsOf(file)
        .filter((name) => GRAB_BAG.test(name))
        .map((name) => `'${name}' says nothing about what is in it`),
  },
  {
    id: 'kebab-case',
    check: (file) =>
      wordsOf(file)
        .filter((name) => !KEBAB_CASE.test(name))
        .map((name) => `'${name}' is not kebab-case`),
  },
  {
    id: 'in-a-room',
    check: (file) => (file.room || file.isIndex ? [] : ['only index.ts stands directly in lib']),
  },
  {
    id: 'short-files',
    check: (file) => {
      const lines = file.text.replace(/\n$/, '').split('\n').length;
      return file.path.endsWith('.generated.ts') || lines <= MAX_LINES ? [] : [`${lines} lines, at most ${MAX_LINES}`];
    },
  },
];

function readFile(file: string, text: string, paths: ReadonlySet<string>): HouseFile {
  const syntax = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  return { ...placeOf(file), text, syntax, references: referencesOf(syntax).map((reference) => resolve(file, reference, paths)) };
}

function placeOf(file: string): Place {
  const parts = file.split('/');
  const inLib = parts[0] === 'lib';
  const isIndex = parts[parts.length - 1] === 'index.ts';
  const room = inLib && parts.length > 2 ? parts[1] : undefined;
  const flavour = room && parts.length > 3 && (parts[2] === 'aws' || parts[2] === 'k8s') ? parts[2] : undefined;
  return { path: file, room, flavour, isIndex, inLib };
}

function resolve(from: string, { specifier, kind }: RawReference, paths: ReadonlySet<string>): Reference {
  if (specifier.startsWith('.')) {
    const bare = path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
    const found = [bare, `${bare}.ts`, `${bare}/index.ts`].find((candidate) => paths.has(candidate));
    return { specifier, kind, target: placeOf(found ?? (path.posix.extname(bare) ? bare : `${bare}.ts`)) };
  }
  const [scope, name] = specifier.replace(/^node:/, '').split('/');
  return { specifier, kind, packageName: scope.startsWith('@') ? `${scope}/${name}` : scope };
}

type RawReference = Pick<Reference, 'specifier' | 'kind'>;

function referencesOf(source: ts.SourceFile): RawReference[] {
  const found: RawReference[] = [];
  const add = (specifier: ts.Node | undefined, kind: ReferenceKind) => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ specifier: specifier.text, kind });
  };
  const visit = (node: ts.Node, inFunction: boolean): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node) ? 'type' : 'value');
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeExport(node) ? 'type' : 'value');
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node.moduleReference.expression, node.isTypeOnly ? 'type' : 'value');
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && !typesARequire(node)) add(node.argument.literal, 'type');
    else if (isLoad(node)) add(node.arguments[0], inFunction ? 'lazy' : 'value');
    ts.forEachChild(node, (child) => visit(child, inFunction || ts.isFunctionLike(node)));
  };
  visit(source, false);
  return found;
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  if (importClause.isTypeOnly) return true;
  const names = importClause.namedBindings;
  return !importClause.name && names !== undefined && ts.isNamedImports(names) && allTypes(names.elements);
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  return isTypeOnly || (exportClause !== undefined && ts.isNamedExports(exportClause) && allTypes(exportClause.elements));
}

function allTypes(elements: ts.NodeArray<ts.ImportSpecifier | ts.ExportSpecifier>): boolean {
  return elements.length > 0 && elements.every((element) => element.isTypeOnly);
}

/** `require('x') as typeof import('x')`: the type belongs to the require. */
function typesARequire(node: ts.ImportTypeNode): boolean {
  return ts.isAsExpression(node.parent) && isLoad(node.parent.expression);
}

function isLoad(node: ts.Node): node is ts.CallExpression {
  if (!ts.isCallExpression(node)) return false;
  return node.expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(node.expression) && node.expression.text === 'require');
}

function foreignExport(file: HouseFile, statement: ts.Statement): string[] {
  if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) return ['an index re-exports and does nothing else'];
  const { text } = statement.moduleSpecifier as ts.StringLiteral;
  if (/^\.\/[^/]+$/.test(text)) return [];
  return [`${text} is not in ${path.posix.dirname(file.path)}`];
}

interface ClassHeritage {
  readonly name: string;
  readonly base?: string;
}

function classesOf(source: ts.SourceFile): ClassHeritage[] {
  const found: ClassHeritage[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) {
      const clause = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
      // `cdk8s.ApiObject` and `ApiObject` are the same to us.
      found.push({ name: node.name?.text ?? 'without a name', base: clause?.types[0].expression.getText(source).split('.').pop() });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The CDK's and cdk8s' construct classes and everything in the house that extends one, at whatever distance. */
function constructNames(files: readonly HouseFile[]): ReadonlySet<string> {
  const names = new Set(CONSTRUCT_BASES);
  const classes = files.flatMap(({ syntax }) => classesOf(syntax));
  for (let size = 0; size !== names.size;) {
    size = names.size;
    for (const { name, base } of classes) if (base && names.has(base)) names.add(name);
  }
  return names;
}

/** The folders and the file itself, without `lib` and the endings. */
function wordsOf(file: HouseFile): string[] {
  return file.path
    .replace(/(\.generated)?\.ts$/, '')
    .split('/')
    .slice(1);
}
