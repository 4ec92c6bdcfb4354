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
// Rooms that need an optional peer say so in one sentence instead of a bare MODULE_NOT_FOUND.
const LOAD_K8S = `function __loadK8s(load) {
    try {
        return load();
    }
    catch (cause) {
        if (cause && cause.code === 'MODULE_NOT_FOUND' && /'(cdk8s|cdk8s-plus-27)(\\/|')/.test(cause.message)) {
            const error = new Error("Millrace.Cdk8sMissing: the Kubernetes flavour needs the optional peers cdk8s and cdk8s-plus-27; received: not installed; fix: npm install cdk8s cdk8s-plus-27", { cause });
            error.code = 'Millrace.Cdk8sMissing';
            throw error;
        }
        throw cause;
    }
}
`;

function* indexFiles(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) yield* indexFiles(file);
    else if (entry.name === 'index.js') yield file;
  }
}

for (const file of indexFiles('dist/lib')) {
  const source = fs.readFileSync(file, 'utf8');
  let needsK8s = false;
  const body = source.replace(EAGER, (_, name, target) => {
    if (name !== 'k8s') return `__lazyRoom("${name}", () => require("${target}"));`;
    needsK8s = true;
    return `__lazyRoom("${name}", () => __loadK8s(() => require("${target}")));`;
  });
  if (body === source) continue;
  const marker = 'Object.defineProperty(exports, "__esModule", { value: true });\n';
  if (!body.includes(marker)) throw new Error(`${file}: the compiler's output changed shape, lazy rooms cannot be written`);
  fs.writeFileSync(file, body.replace(marker, marker + HELPER + (needsK8s ? LOAD_K8S : '')));
}
