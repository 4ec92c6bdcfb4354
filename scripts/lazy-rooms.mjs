// jsii insists on `export * as room from './room'`, which compiles to an eager require of every room. After the compile this turns each
// such line of dist/**/index.js into a getter that loads on first use and then replaces itself. The define call is wrapped in a local
// function, because Node's ESM lexer drops a name that it sees in a literal Object.defineProperty with a getter (decision 0002).
import fs from 'node:fs';
import path from 'node:path';

const EAGER = /^exports\.(\w+) = __importStar\(require\("(\.\/[\w./-]+)"\)\);$/gm;
const HELPER = `function __lazyRoom(name, load) {
    Object.defineProperty(exports, name, {
        configurable: true,
        enumerable: true,
        get() {
            const room = load();
            Object.defineProperty(exports, name, { configurable: true, enumerable: true, value: room });
            return room;
        },
    });
}
`;
// A Kubernetes flavour needs the optional peers and says so in one sentence instead of a bare MODULE_NOT_FOUND, whether it was reached as
// `streaming.k8s` or as `millrace/streaming/k8s`. The files are required once ahead of the re-exports, which stay as they are, because the
// lexer overlooks those inside of a try.
const RE_EXPORTS = /^__exportStar\(require\("(\.\/[\w.-]+)"\), exports\);$/gm;
const GUARD = (files) => `try {
${files.map((file) => `    require("${file}");`).join('\n')}
}
catch (cause) {
    if (!cause || cause.code !== "MODULE_NOT_FOUND" || !/'(cdk8s|cdk8s-plus-27)(\\/|')/.test(cause.message)) throw cause;
    throw Object.assign(new Error("Millrace.Cdk8sMissing: the Kubernetes flavour needs the optional peers cdk8s and cdk8s-plus-27; received: not installed; fix: npm install cdk8s cdk8s-plus-27", { cause }), { code: "Millrace.Cdk8sMissing" });
}
`;

function* indexFiles(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) yield* indexFiles(file);
    else if (entry.name === 'index.js') yield file;
  }
}

const MARKER = 'Object.defineProperty(exports, "__esModule", { value: true });\n';

let lazyRooms = 0;
for (const file of indexFiles('dist/lib')) {
  const source = fs.readFileSync(file, 'utf8');
  const unguarded = path.basename(path.dirname(file)) === 'k8s' && !source.includes('Millrace.Cdk8sMissing');
  const lazy = source.replace(EAGER, (_, name, target) => {
    lazyRooms += 1;
    return `__lazyRoom("${name}", () => require("${target}"));`;
  });
  lazyRooms += (source.match(/^__lazyRoom\(/gm) ?? []).length;
  const ahead = (lazy === source ? '' : HELPER) + (unguarded ? GUARD([...source.matchAll(RE_EXPORTS)].map(([, target]) => target)) : '');
  if (ahead === '') continue;
  if (!lazy.includes(MARKER)) throw new Error(`${file}: the compiler's output changed shape, lazy rooms cannot be written`);
  fs.writeFileSync(
    file,
    lazy.replace(MARKER, () => MARKER + ahead),
  );
}
if (lazyRooms === 0) throw new Error("the compiler's output changed shape: no room was found to make lazy");
