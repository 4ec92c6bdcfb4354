import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { transformSync } from '@swc/core';
import { parse } from 'yaml';
import * as millrace from '../../lib';

const readme = fs.readFileSync(path.join(__dirname, '../../README.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]);

interface Run {
  readonly printed: string[];
  readonly exported: Record<string, any>;
  readonly directory: string;
}

/** Runs a block of the README as a reader would paste it, with `millrace` meaning these sources. */
function run(source: string, names: string[], files: Record<string, string> = {}): Run {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-readme-'));
  for (const [name, file] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.copyFileSync(file, path.join(directory, name));
  }
  const exports = names.map((name) => `exports.${name} = ${name};`).join('\n');
  const { code } = transformSync(`${source}\n${exports}`, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  const printed: string[] = [];
  const module = { exports: {} as Record<string, any> };
  const here = process.cwd();
  process.chdir(directory);
  try {
    new Function('require', 'exports', 'console', code)(
      (name: string) => (name === 'millrace' ? millrace : jest.requireActual(name)),
      module.exports,
      { log: (...parts: unknown[]) => printed.push(parts.join(' ')) },
    );
  } finally {
    process.chdir(here);
  }
  return { printed, exported: module.exports, directory };
}

const [aws, kubernetes] = blocks('ts');

test('the AWS example prints the size and writes the topic that the README shows', () => {
  const { printed, directory } = run(aws, []);
  expect(printed.join('\n')).toBe(blocks('text')[0].trim());
  const { Resources } = JSON.parse(fs.readFileSync(path.join(directory, 'cdk.out/Streaming.template.json'), 'utf8'));
  expect(Object.values<any>(Resources).filter(({ Type }) => Type === 'AWS::MSK::Topic')).toEqual([JSON.parse(blocks('json')[0])]);
});

test('the Kubernetes example writes the topic that the README shows', () => {
  const { directory } = run(kubernetes, ['chart']);
  const written = fs.readFileSync(path.join(directory, 'cdk8s.out/payments.k8s.yaml'), 'utf8');
  expect(written).toContain(blocks('yaml')[0].trim());
  expect(written.split('---\n').map((document) => parse(document).kind)).toEqual([
    'KafkaNodePool',
    'KafkaNodePool',
    'KafkaRebalance',
    'Kafka',
    'KafkaTopic',
  ]);
});

test('both examples are about ten lines', () => {
  const lines = [aws, kubernetes].map(
    (block) =>
      block
        .trim()
        .split('\n')
        .filter((line) => line && !line.startsWith('import')).length,
  );
  expect(lines).toEqual([9, 7]);
});

test('every file that the README points to exists', () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]);
  expect(links.filter((link) => !fs.existsSync(path.join(__dirname, '../..', link)))).toEqual([]);
});

describe.each(['features', 'inference', 'models'])('the README of %s', (room) => {
  const text = fs.readFileSync(path.join(__dirname, `../../lib/${room}/README.md`), 'utf8');
  const examples = [...text.matchAll(/```ts\n(import [\s\S]*?)```/g)].map((match) => match[1]);

  test.each(examples.map((example) => [example.split('\n').find((line) => !line.startsWith('import') && line)!, example]))(
    'has an example that runs: %s',
    (_first, example) => {
      const { printed } = run(example, [], { 'schemas/card-activity.avsc': path.join(__dirname, '../../schemas/card-activity.avsc') });
      for (const line of printed.filter((each) => /in flight/.test(each))) expect(text).toContain(line);
    },
  );
});
