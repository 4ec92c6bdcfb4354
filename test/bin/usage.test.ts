import { spawn, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as http from 'http';
import type { AddressInfo } from 'net';
import * as os from 'os';
import * as path from 'path';
import * as vm from 'vm';
import Ajv from 'ajv/dist/2020';
import { runUsage } from '../../bin/commands/usage';
import { parseCsv } from '../../bin/commands/usage/csv';
import { plot, sparkline } from '../../bin/commands/usage/plot';
import { SILENT, type Terminal } from '../../bin/commands/usage/terminal';
import { FakePrometheus } from '../usage/fake-prometheus';
import { writeFile, type writeFiles } from '../../bin/commands/usage/write-file';
import { emptyProfile, formatProfile } from '../../lib/usage/profile-file';
import { UsageBlock, blockLine } from '../../lib/usage/usage-block';
import { UsageRecording } from '../../lib/usage/usage-recording';

const ROOT = path.resolve(__dirname, '../..');
const DAY = 86_400;
const HOUR = 3600;
const FIRST = Date.UTC(2026, 9, 1) / 1000;
const HOSTILE = 'web/</script><img src=x onerror=alert(1)>';
const FILE = 'usage/payments.json';

const here = process.cwd();
let workspace: string;

beforeAll(() => (workspace = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'millrace-usage-'))));
beforeEach(() => {
  const project = fs.mkdtempSync(path.join(workspace, 'project-'));
  process.chdir(project);
  fs.mkdirSync('usage');
});
afterAll(() => {
  process.chdir(here);
  fs.rmSync(workspace, { recursive: true, force: true });
});

interface Load {
  readonly days?: number;
  readonly cpu?: (day: number, hour: number) => number;
  readonly memory?: (day: number) => number;
  readonly pods?: number;
  readonly requests?: { readonly cpuRequest: number; readonly memoryRequest: number };
}

/** The text of a profile with one sample of a pod an hour. */
function profile(loads: Record<string, Load>): string {
  const recording = new UsageRecording(emptyProfile('payments', DAY, HOUR), 'test');
  for (const [container, { days = 20, cpu = () => 100, memory = () => 200, pods = 2, requests }] of Object.entries(loads)) {
    for (let hour = 0; hour < days * 24; hour++) {
      for (let pod = 0; pod < pods; pod++) {
        const day = Math.floor(hour / 24);
        const sample = { cpu: cpu(day, hour % 24), memory: memory(day), throttled: 0.02, ...requests };
        recording.add({ container, pod: `${pod}`, time: FIRST + hour * HOUR, ...sample });
      }
    }
  }
  return formatProfile(recording.finish());
}

const REQUESTS = { cpuRequest: 1000, memoryRequest: 1024 };

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function usage(args: string[], terminal: Partial<Terminal> = {}): Promise<Outcome> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runUsage(args, {
    print: (text) => out.push(text),
    warn: (text) => err.push(text),
    now: new Date('2026-10-22T00:00:00Z'),
    colours: false,
    width: 80,
    signal: new AbortController().signal,
    progress: () => SILENT,
    ...terminal,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const violationsOf = (work: Promise<unknown>): Promise<string[]> =>
  work.then(
    () => [],
    (error) => error.violations.map(({ code, subject }: { code: string; subject: string }) => `${code} ${subject}`),
  );

describe('millrace usage show', () => {
  test('shows use, requests and events of each container with a line of days', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': { requests: REQUESTS, cpu: (day) => 100 + day * 10 }, 'batch/run': { days: 3, pods: 1 } }));
    const { code, out, err } = await usage(['show']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual([
      'payments  usage/payments.json  history to 2026-10-21T00:00Z, sampled every 3600 s',
      '',
      'api/app  class not stated, 2 replicas, 20 days, 0 OOM kills, throttled 2 %',
      '              p50      p95     peak    request  recommended  by day',
      '  CPU       197 m    290 m    290 m    1,000 m     none yet  ▃▄▄▄▄▅▅▅▅▆▆▆▇▇▇▇████ p95',
      '  memory  200 MiB  200 MiB  200 MiB  1,024 MiB     none yet  ████████████████████ peak',
      '',
      'batch/run  class not stated, 1 replicas, 3 days, 0 OOM kills, throttled 2 %',
      '              p50      p95     peak  request  recommended  by day',
      '  CPU       100 m    100 m    100 m  unknown     none yet  ███ p95',
      '  memory  200 MiB  200 MiB  200 MiB  unknown     none yet  ███ peak',
      '',
    ]);
  });

  test('gives the same as JSON and as CSV, in which what is not known is empty', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': {} }));
    const { out } = await usage(['show', FILE, '--json']);
    expect(JSON.parse(out).containers).toEqual([
      expect.objectContaining({ file: FILE, container: 'api/app', days: 20, replicas: 2, oomKills: 0, throttled: 0.02 }),
    ]);
    expect((await usage(['show', '--csv'])).out.split('\n')).toEqual([
      'container,resource,p50,p95,peak,request,recommended,class,replicas,days,oomKills,throttled,file',
      'api/app,cpu,100,100,100,,,not stated,2,20,0,0.02,usage/payments.json',
      'api/app,memory,200,200,200,,,not stated,2,20,0,0.02,usage/payments.json',
    ]);
  });

  test('names the damage of every file in one error', async () => {
    fs.writeFileSync('usage/a.json', '{ "profile": 2 }');
    fs.writeFileSync('usage/b.json', 'no json');
    expect(await violationsOf(usage(['show', 'usage/a.json', 'usage/b.json', 'usage/c.json']))).toEqual([
      'Millrace.ProfileVersionUnknown usage/a.json: profile',
      'Millrace.ProfileUnreadable usage/b.json: content',
      'Millrace.ProfileUnreadable usage/c.json: file',
    ]);
  });

  test('warns of an old profile with the date of its end, from the age that is asked for', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': {} }));
    const late = { now: new Date('2026-11-05T00:00:00Z') };
    const { code, err } = await usage(['show'], late);
    expect(code).toBe(0);
    expect(err).toBe(
      'warning: Millrace.ProfileOld: usage/payments.json: the history ended on 2026-10-21, 15 days ago; allowed: 14 days (--max-age); fix: run millrace usage pull, then millrace usage recommend',
    );
    expect((await usage(['show', '--max-age', '3w'], late)).err).toBe('');
  });

  test('refuses a container that no profile has', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': {} }));
    await expect(usage(['show', '--container', 'api/ap'])).rejects.toMatchObject({
      code: 'Millrace.ProfileContainerUnknown',
      message: expect.stringContaining("received 'api/ap'; allowed: api/app;"),
    });
  });
});

describe('millrace usage recommend', () => {
  beforeEach(() => fs.writeFileSync(FILE, profile({ 'api/app': { requests: REQUESTS }, 'side/car': { pods: 1 } })));

  test('prints before, after and the saving over all replicas, and writes the recommendation into the profile', async () => {
    const { code, out } = await usage(['recommend', '--cpu-price', '0.03', '--memory-price', '0.004']);
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}container +class +replicas +CPU before +after +memory before +after +saved +saved +a month\n/);
    expect(out).toMatch(/\n {2}api\/app +\w+ +2 +1,000 m +[\d,]+ m +1,024 MiB +[\d,]+ MiB +[\d.]+ cores +[\d.]+ GiB +\$[\d.]+\n/);
    expect(out).toMatch(/\n {2}side\/car +\w+ +1 +unknown +[\d,]+ m +unknown +[\d,]+ MiB +unknown +unknown +unknown\n/);
    expect(out).toMatch(/\n {2}total .* cores .* GiB +\$[\d.]+\n/);
    expect(out).toMatch(/\nwrote usage\/payments\.json; commit it$/);
    const { containers } = JSON.parse(fs.readFileSync(FILE, 'utf8'));
    expect(containers['api/app'].recommendation).toMatchObject({ policy: 'steady', replicas: 2, reason: expect.any(String) });
    expect(fs.readdirSync('usage')).toEqual(['payments.json']);
  });

  test('leaves the file as it is when nothing changes', async () => {
    await usage(['recommend']);
    const { ino, mtimeMs } = fs.statSync(FILE);
    expect((await usage(['recommend'])).out).toMatch(/\nnothing changed$/);
    expect(fs.statSync(FILE)).toMatchObject({ ino, mtimeMs });
  });

  test('writes nothing when told so, and says why with --verbose', async () => {
    const before = fs.readFileSync(FILE, 'utf8');
    const { out } = await usage(['recommend', '--dry-run', '--verbose', '--container', 'api/app']);
    expect(out).toMatch(/\napi\/app\n {2}\S.*\n {2}model .*, policy steady, algorithm .*, confidence .*\n {2}expected slack: CPU /);
    expect(out).toMatch(/nothing was written \(--dry-run\)$/);
    expect(fs.readFileSync(FILE, 'utf8')).toBe(before);
  });

  test('writes no file when one container of one file cannot be recommended for', async () => {
    fs.writeFileSync('usage/other.json', profile({ 'new/app': { days: 1 } }).replace(/"2026-10-01T00[^"]*"/, ''));
    const before = fs.readFileSync(FILE, 'utf8');
    expect(await violationsOf(usage(['recommend']))).toEqual([
      expect.stringMatching(/^Millrace\.UsageHistoryTooShort usage\/other\.json: new\/app: /),
    ]);
    expect(fs.readFileSync(FILE, 'utf8')).toBe(before);
  });

  test('keeps a class that is given for the next run', async () => {
    await usage(['recommend', '--class', 'api/app=jvm']);
    await usage(['recommend']);
    const { containers } = JSON.parse(fs.readFileSync(FILE, 'utf8'));
    expect([containers['api/app'].class, containers['api/app'].recommendation.workloadClass]).toEqual(['jvm', 'jvm']);
    expect(await violationsOf(usage(['recommend', '--class', 'api/web=jvm']))).toEqual(['Millrace.ProfileContainerUnknown container']);
  });

  test('sizes CPU by the utilisation that an autoscaler holds, and keeps it for the next run', async () => {
    // 30 to 70 millicores over a day, 45 of them on average, at 60 %: 75.
    fs.writeFileSync(FILE, profile({ 'api/app': { cpu: (_day, hour) => (hour % 8 < 5 ? 30 : 70) }, 'side/car': {} }));
    const cpu = () => JSON.parse(fs.readFileSync(FILE, 'utf8')).containers['api/app'].recommendation.cpuMillis;
    await usage(['recommend', '--autoscaled', 'api/app=60']);
    const sized = cpu();
    expect([sized >= 70, sized <= 80]).toEqual([true, true]);
    await usage(['recommend']);
    expect(cpu()).toBe(sized);
    const { containers } = JSON.parse(fs.readFileSync(FILE, 'utf8'));
    expect([containers['api/app'].autoscaledAt, 'autoscaledAt' in containers['side/car']]).toEqual([60, false]);
    const { out } = await usage(['recommend', '--autoscaled', 'api/app=90', '--dry-run', '--json']);
    expect(JSON.parse(out).recommendations[0].cpuMillis).toBe(Math.ceil((sized * 60) / 90));
    expect(await violationsOf(usage(['recommend', '--autoscaled', 'api/web=60']))).toEqual(['Millrace.ProfileContainerUnknown container']);
  });

  test('writes no profile that could not be read again', async () => {
    const before = fs.readFileSync(FILE, 'utf8');
    // The saving is more than a number can hold.
    expect(await violationsOf(usage(['recommend', '--cpu-price', '1e308', '--memory-price', '1e308']))).toEqual([
      'Millrace.ProfileInvalid containers.api/app.recommendation.monthlySaving',
    ]);
    expect(fs.readFileSync(FILE, 'utf8')).toBe(before);
  });

  test('escapes names below the tables for Markdown too', async () => {
    fs.writeFileSync(FILE, profile({ 'a_b/[x](y)': { days: 2 } }));
    const { out } = await usage(['recommend', '--dry-run', '--markdown']);
    expect(out).toMatch(/\nlow confidence: a&#95;b\/&#91;x&#93;\(y\) has [\d.]+ days of history\n/);
  });

  test('refuses prices that are none', async () => {
    fs.writeFileSync('prices.json', '{ "cpuCoreHour": "0.03" }');
    expect(await violationsOf(usage(['recommend', '--prices', 'prices.json']))).toEqual(['Millrace.PricesInvalid prices.json']);
  });
});

describe('millrace usage recommend --check', () => {
  /** A profile whose committed recommendation is 1000 millicores and 1000 MiB. */
  function committed(cpuRequest: number, memoryRequest: number): void {
    const content = JSON.parse(profile({ 'api/app': { requests: { cpuRequest, memoryRequest } } }));
    const share = { expectedCpuSlack: 0.1, expectedCpuOver: 0, expectedMemorySlack: 0.1, expectedMemoryOver: 0, confidence: 1 };
    const how = {
      workloadClass: 'service',
      policy: 'steady',
      algorithm: '1',
      asOf: '2026-10-21',
      historyDays: 20,
      model: 'm',
      reason: 'r',
    };
    content.containers['api/app'].recommendation = { cpuMillis: 1000, memoryMib: 1000, replicas: 2, ...how, ...share };
    fs.writeFileSync(FILE, JSON.stringify(content));
  }

  test.each([
    [850, 1000, 0],
    [1150, 1150, 0],
    [849, 1000, 2],
    [1151, 1000, 2],
    [1000, 999, 2],
    [1000, 1151, 2],
  ])('of %d millicores and %d MiB beside 1000 of each ends with %d', async (cpu, memory, code) => {
    committed(cpu, memory);
    expect((await usage(['recommend', '--check'])).code).toBe(code);
  });

  test('says which request is how far off, writes nothing, and takes another band', async () => {
    committed(1500, 900);
    const before = fs.readFileSync(FILE, 'utf8');
    const { code, out } = await usage(['recommend', '--check']);
    expect({ code, out }).toEqual({
      code: 2,
      out: [
        '  Millrace.RequestOutsideBand usage/payments.json: api/app',
        '          cpu request 1,500 m is 50 % above the recommended 1,000 m; allowed: 850 m to 1,150 m',
        '          fix: deploy the recommendation, or run millrace usage recommend and review the change',
        '  Millrace.RequestOutsideBand usage/payments.json: api/app',
        '          memory request 900 MiB is 10 % below the recommended 1,000 MiB; allowed: 1,000 MiB to 1,150 MiB',
        '          fix: deploy the recommendation, or run millrace usage recommend and review the change',
        '1 of 1 containers outside the band',
      ].join('\n'),
    });
    expect(fs.readFileSync(FILE, 'utf8')).toBe(before);
    committed(1500, 1000);
    expect((await usage(['recommend', '--check', '--band', '50'])).code).toBe(0);
  });

  test('fails without a recommendation, as JSON and as a comment on a pull request too', async () => {
    fs.writeFileSync(FILE, profile({ 'a|b/app': {} }));
    const json = await usage(['recommend', '--check', '--json']);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.out).findings).toEqual([
      expect.objectContaining({ code: 'Millrace.RecommendationMissing', container: 'a|b/app' }),
    ]);
    expect((await usage(['recommend', '--check', '--markdown'])).out).toContain('\n| a&#124;b/app | Millrace.RecommendationMissing | ');
  });

  test('names containers whose requests are not known, and lets them through', async () => {
    committed(1000, 1000);
    fs.writeFileSync(FILE, fs.readFileSync(FILE, 'utf8').replace(/ req [\d/.]+/g, ''));
    const { code, out } = await usage(['recommend', '--check']);
    expect({ code, out }).toEqual({
      code: 0,
      out: 'no request was measured, so nothing is checked: api/app\n0 of 1 containers outside the band',
    });
  });
});

describe('millrace usage forecast', () => {
  test('says when growing memory runs out of its requests', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': { days: 60, memory: (day) => 400 + day * 5, requests: REQUESTS } }));
    const { code, out } = await usage(['forecast', '--resource', 'memory', '--horizon', '120d', '--json']);
    expect(code).toBe(0);
    const [forecast] = JSON.parse(out).forecasts;
    // 400 + 5 a day over two pods reaches 2048 on the 125th day.
    expect(forecast).toMatchObject({ name: 'api/app', resource: 'memory', capacity: 2048 });
    expect(forecast.points).toHaveLength(120);
    expect(forecast.exceeds.likely.slice(0, 7)).toBe('2027-02');
    const text = (await usage(['forecast', '--resource', 'memory', '--horizon', '120d'])).out;
    expect(text).toMatch(/^api\/app {2}memory of all pods\n {2} *[\d,.]+ ┤/);
    expect(text).toContain('  more than 2048 is expected from 2027-02-');
    expect(text).toContain('accuracy: MASE ');
  });

  test('says so when a short history deserves little trust', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': { days: 6, cpu: (day) => 100 + (day % 2) } }));
    const { out } = await usage(['forecast', '--resource', 'cpu', '--horizon', '30d']);
    expect(out).toContain('low confidence');
    expect(out).toContain('no capacity is known: give one with --capacity');
  });

  test('adds up a series of costs over two quarters', async () => {
    const rows = Array.from(
      { length: 90 },
      (_, day) => `${new Date((FIRST + day * DAY) * 1000).toISOString().slice(0, 10)},"${100 + (day % 7)}"`,
    );
    rows.splice(40, 2);
    fs.writeFileSync('cost.csv', `day,dollars\r\n${rows.join('\r\n')}\r\n`);
    const args = ['forecast', '--series', 'cost.csv', '--time', 'day', '--value', 'dollars', '--horizon', '2q', '--sum'];
    const [{ sum }] = JSON.parse((await usage([...args, '--json'])).out).forecasts;
    expect(sum).toMatchObject({ steps: 182, from: '2026-12-30T00:00:00.000Z', to: '2027-06-30T00:00:00.000Z' });
    expect(Math.abs(sum.expected - 182 * 103)).toBeLessThan(182);
    expect((await usage(args)).out).toMatch(/\n {2}sum from 2026-12-30 to 2027-06-30: 18,\d{3}[\d.]* expected, /);
  });

  test('names every row of a series that is wrong', async () => {
    fs.writeFileSync('disk.csv', 'time,value\n2026-10-01,1\n01.10.2026,2\n2026-10-03,many\n');
    expect(await violationsOf(usage(['forecast', '--series', 'disk.csv']))).toEqual([
      'Millrace.ForecastSeriesInvalid line 3',
      'Millrace.ForecastSeriesInvalid line 4',
    ]);
    fs.writeFileSync(
      'disk.csv',
      'time,value\n2026-10-01,1\n2026-10-02,2\n2026-10-02,3\n2026-10-03,4\n2026-10-03T12:00:00Z,4\n2026-10-04,5\n2026-10-05,6\n',
    );
    expect(await violationsOf(usage(['forecast', '--series', 'disk.csv']))).toEqual([
      'Millrace.ForecastSeriesInvalid line 4',
      'Millrace.ForecastSeriesInvalid line 6',
    ]);
    expect(await violationsOf(usage(['forecast', '--series', 'disk.csv', '--value', 'bytes']))).toEqual([
      'Millrace.ForecastSeriesInvalid column',
    ]);
  });
});

describe('the page that --html writes', () => {
  test('is one file that loads nothing and runs only its own scripts, whatever a container is called', async () => {
    fs.writeFileSync(FILE, profile({ [HOSTILE]: { requests: REQUESTS } }));
    for (const command of [['show'], ['recommend', '--dry-run'], ['forecast', '--horizon', '10d']]) {
      await usage([...command, '--html', 'page.html']);
      const page = fs.readFileSync('page.html', 'utf8');
      expect(page).not.toContain('<img');
      expect(page).toContain('web/&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62;');
      expect(page.match(/<\/script>/g)).toHaveLength(3);
      expect(page).not.toMatch(/\b(src|href)="|url\(|@import/);
      expect(page).toMatch(/Content-Security-Policy" content="default-src 'none'; .*script-src 'sha256-[^']+' 'sha256-[^']+'"/);
      const data = JSON.parse(/id="charts">([^]*?)<\/script>/.exec(page)![1]);
      expect(data).toHaveLength(2);
      for (const { times, lines } of data) for (const { values } of lines) expect(values).toHaveLength(times.length);
      for (const [, script] of page.matchAll(/<script>([^]*?)<\/script>/g)) expect(() => new vm.Script(script)).not.toThrow();
    }
  });

  test('draws with the options that the library takes', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': {} }));
    await usage(['show', '--html', 'page.html']);
    const page = fs.readFileSync('page.html', 'utf8');
    const drawn: any[] = [];
    const script = [...page.matchAll(/<script>([^]*?)<\/script>/g)][1][1];
    const elements: Record<string, unknown> = { charts: { textContent: /id="charts">([^]*?)<\/script>/.exec(page)![1] } };
    vm.runInNewContext(script, {
      document: { documentElement: {}, getElementById: (id: string) => elements[id] ?? { id, clientWidth: 600 } },
      getComputedStyle: () => ({ getPropertyValue: (name: string) => ` ${name} ` }),
      matchMedia: () => ({ addEventListener: () => undefined }),
      uPlot: class {
        constructor(...args: unknown[]) {
          drawn.push(args);
        }
      },
    });
    expect(drawn.map(([{ width, series }, values, place]) => [width, series.length, values.length, place.id])).toEqual([
      [600, 4, 4, 'chart-0'],
      [600, 4, 4, 'chart-1'],
    ]);
  });
});

describe('CSV and plots', () => {
  test('a name that a spreadsheet would take for a formula stays text', async () => {
    fs.writeFileSync(FILE, profile({ '=cmd|"x",1/app': {} }));
    const [, row] = parseCsv((await usage(['show', '--csv'])).out);
    expect(row.cells[0]).toBe('\'=cmd|"x",1/app');
  });

  test('a name with control characters does not reach the terminal', async () => {
    fs.writeFileSync(FILE, profile({ 'api/\u001b[2Japp': { requests: REQUESTS } }));
    for (const command of ['show', 'recommend', 'forecast']) expect((await usage([command])).out).not.toContain('\u001b');
  });

  test('quotes hold commas, quotes and line ends', () => {
    expect(parseCsv('\ufeffa,"b ""c"", d"\r\n\n"x\ny",\n')).toEqual([
      { line: 1, cells: ['a', 'b "c", d'] },
      { line: 3, cells: ['x\ny', ''] },
    ]);
  });

  test('a line shows gaps, and a plot its extremes', () => {
    expect(sparkline([0, NaN, 4, 8])).toBe('▁ ▅█');
    expect(sparkline([1, 9, 2, 3], 2)).toBe('█▃');
    expect(plot([[0, 10]], { width: 4, height: 2 })).toEqual(['10 ┤⠀⠀⡠⠊', ' 0 ┤⡠⠊⠀⠀']);
    expect(plot([[NaN]], { width: 4, height: 2 })).toEqual([]);
  });
});

describe('a file that is written', () => {
  test('is the old one when it or one beside it cannot be finished', () => {
    fs.writeFileSync(FILE, 'old');
    jest.isolateModules(() => {
      const renameSync = () => {
        throw new Error('no space left on device');
      };
      jest.doMock('fs', () => ({ ...jest.requireActual('fs'), renameSync }));
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded again, with a disk that is full
      const again = require('../../bin/commands/usage/write-file');
      const failing: typeof writeFiles = again.writeFiles;
      jest.dontMock('fs');
      const files = ['usage/new.json', FILE].map((file) => ({ file, text: 'new' }));
      expect(() => failing(files)).toThrow(expect.objectContaining({ code: 'Millrace.FileNotWritten' }));
    });
    expect([fs.readFileSync(FILE, 'utf8'), fs.readdirSync('usage')]).toEqual(['old', ['payments.json']]);
  });

  test('names those that are already replaced when a later one cannot be', () => {
    fs.writeFileSync('usage/a.json', 'old');
    fs.writeFileSync('usage/b.json', 'old');
    jest.isolateModules(() => {
      const { renameSync: rename } = jest.requireActual<typeof fs>('fs');
      const renameSync = (from: string, to: string) => {
        if (to.endsWith('b.json')) throw new Error('permission denied');
        rename(from, to);
      };
      jest.doMock('fs', () => ({ ...jest.requireActual('fs'), renameSync }));
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded again, with a second file that cannot be replaced
      const failing: typeof writeFiles = require('../../bin/commands/usage/write-file').writeFiles;
      jest.dontMock('fs');
      expect(() => failing(['usage/a.json', 'usage/b.json'].map((file) => ({ file, text: 'new' })))).toThrow(
        /usage\/b\.json: received permission denied; .*already replaced: usage\/a\.json; all others are as they were/,
      );
    });
    expect(['a', 'b'].map((name) => fs.readFileSync(`usage/${name}.json`, 'utf8'))).toEqual(['new', 'old']);
    expect(fs.readdirSync('usage')).toEqual(['a.json', 'b.json']);
  });

  test('keeps its mode and stays a link', () => {
    fs.writeFileSync('real.json', 'old', { mode: 0o640 });
    fs.symlinkSync('../real.json', FILE);
    expect(writeFile(FILE, 'new')).toBe(true);
    expect([fs.lstatSync(FILE).isSymbolicLink(), fs.readFileSync('real.json', 'utf8'), fs.statSync('real.json').mode & 0o777]).toEqual([
      true,
      'new',
      0o640,
    ]);
  });
});

describe('the schema of a profile', () => {
  const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'lib/usage/profile.schema.json'), 'utf8'));
  const validate = new Ajv({ strict: true, allErrors: true }).compile(schema);

  test('holds for what is written, with and without a recommendation', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': { requests: REQUESTS }, 'b/b': {} }));
    for (let run = 0; run < 2; run++) {
      validate(JSON.parse(fs.readFileSync(FILE, 'utf8')));
      expect(validate.errors).toBeNull();
      await usage(['recommend', '--cpu-price', '1', '--memory-price', '1', '--class', 'b/b=batch', '--autoscaled', 'b/b=60']);
    }
  });

  test('holds for the line that the README decodes by hand', () => {
    const readme = fs.readFileSync(path.join(ROOT, 'lib/usage/README.md'), 'utf8');
    const block = new UsageBlock(Date.UTC(2026, 10, 1) / 1000);
    for (let sample = 0; sample < 40; sample++) block.add('cpu', 0.5);
    for (const value of [1, 1, 2]) block.add('cpu', value);
    block.of('cpu').request = 250;
    expect(blockLine(block)).toBe('2026-11-01T00 cpu 2 oBCAGB req 250');
    expect(readme).toContain('\n2026-11-01T00 cpu 2 oBCAGB req 250\n');
  });

  test.each<[string, (content: any) => void]>([
    ['another version', (content) => (content.profile = 2)],
    ['no name', (content) => delete content.name],
    ['a block length that divides no day', (content) => (content.blockSeconds = 5 * HOUR)],
    ['an unknown class', (content) => (content.containers['api/app'].class = 'web')],
    ['an autoscaler above 100 %', (content) => (content.containers['api/app'].autoscaledAt = 120)],
    ['a block that is no line', (content) => (content.containers['api/app'].blocks[0] = '2026-10-01')],
    ['a block with an unknown field', (content) => (content.containers['api/app'].blocks[0] += ' disk 3')],
    ['half a recommendation', (content) => (content.containers['api/app'].recommendation = { cpuMillis: 10 })],
  ])('refuses %s', (_what, damage) => {
    const content = JSON.parse(profile({ 'api/app': {} }));
    damage(content);
    expect(validate(content)).toBe(false);
  });
});

describe('the command line of millrace usage', () => {
  const PROMETHEUS = ['--prometheus', 'http://localhost', '--namespace', 'payments'];

  test.each([
    [[], /a command is missing/],
    [['shwo'], /unknown command 'usage shwo'/],
    [['show'], /no FILE is named, and usage\/ holds no profile/],
    [['show', '--json', '--csv'], /only one of --json, --csv and --markdown/],
    [['show', '--max-age', '14'], /--max-age '14': a length of time/],
    [['recommend', '--policy', 'fast'], /--policy 'fast': one of steady, responsive/],
    [['recommend', '--class', 'api'], /CONTAINER=CLASS is needed/],
    [['recommend', '--autoscaled', 'api/app'], /CONTAINER=PERCENT is needed/],
    [['recommend', '--autoscaled', 'api/app=0'], /a whole number from 1 to 100 is needed/],
    [['recommend', '--autoscaled', 'api/app=60.5'], /a whole number from 1 to 100 is needed/],
    [['recommend', '--autoscaled', 'api/app='], /a whole number from 1 to 100 is needed/],
    [['recommend', '--autoscaled', 'api/app=101'], /a whole number from 1 to 100 is needed/],
    [['recommend', '--band', 'x'], /--band 'x'/],
    [['recommend', '--cpu-price', '1'], /belong together/],
    [['forecast', '--capacity', '5'], /--capacity needs --resource/],
    [['forecast', '--color'], /Unknown option '--color'/],
    [['pull'], /one of --prometheus, --file, --sql and --aggregated/],
    [['pull', '--prometheus', 'http://localhost'], /--name ''|needs --namespace/],
    [['pull', '--file', 'a.csv', '--interval', '60', '--time', 't', '--container', 'c', '--cpu', 'cpu'], /COLUMN:UNIT is needed/],
    [['pull', '--sql', 'mysql', '--interval', '60'], /--sql 'mysql': one of/],
    [['pull', '--file', 'a.csv'], /--file needs --interval: the seconds between two samples/],
    [['pull', '--aggregated', 'a.jsonl', '--name', 'payments'], /--aggregated needs --interval/],
    [['pull', '--sql', 'trino', '--table', 't'], /--sql needs --interval/],
    [['pull', '--file', 'a.csv', '--interval', '7.5'], /--interval '7.5': a whole number is needed/],
    [['pull', '--sql', 'trino', '--table', 't', '--interval', '7'], /--interval '7': seconds that divide the block/],
    [['pull', '--file', 'a.csv', '--interval', '60', '--keep', '91'], /--keep '91': a length of time/],
    [['recommend', '--min-cpu', '400.5'], /--min-cpu '400.5': a whole number is needed/],
    [['recommend', '--min-memory', '0.5'], /--min-memory '0.5': a number from 1/],
    [['recommend', '--min-memory', '64.25'], /--min-memory '64.25': a whole number is needed/],
    [['pull', ...PROMETHEUS, '--header', 'X-Api-Key: secret'], /^--header 'X-Api-Key': NAME=VALUE is needed$/],
    [['pull', ...PROMETHEUS, '--header', 'a secret: x'], /^--header: NAME=VALUE is needed$/],
    [['pull', ...PROMETHEUS, '--header', 'secret'], /^--header: NAME=VALUE is needed$/],
    [['pull', ...PROMETHEUS, '--header', '=secret'], /^--header: NAME=VALUE is needed$/],
  ])('answers %j with what is wrong', async (args, message) => {
    await expect(usage(args)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_PARSE_ARGS/),
      message: expect.stringMatching(message),
    });
  });

  test('ends a process of its own with exit code 64 and the usage text on standard error', () => {
    const loader = path.join(ROOT, 'node_modules/tsx/dist/loader.mjs');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', loader, path.join(ROOT, 'bin/millrace.ts'), 'usage', 'sho'],
      {
        encoding: 'utf8',
      },
    );
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toMatch(/^unknown command 'usage sho'\n\nmillrace usage <command>/);
  });

  test('explains every option with --help', async () => {
    const { code, out } = await usage(['recommend', '--help']);
    expect(code).toBe(0);
    for (const option of ['--policy', '--autoscaled', '--check', '--band', '--max-age', '--html', '--prometheus', '--sql'])
      expect(out).toContain(option);
  });

  test('stops between two containers when Ctrl-C comes, and writes nothing', async () => {
    fs.writeFileSync(FILE, profile({ 'a/a': {}, 'b/b': {} }));
    const before = fs.readFileSync(FILE, 'utf8');
    const controller = new AbortController();
    const progress = () => ({ update: () => controller.abort(), stop: () => undefined });
    await expect(usage(['recommend'], { signal: controller.signal, progress })).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(fs.readFileSync(FILE, 'utf8')).toBe(before);
  });
});

describe('millrace usage pull', () => {
  test('reads a file of samples and replaces the days that it reads again', async () => {
    const rows = (cpu: number) =>
      Array.from({ length: 48 }, (_, hour) => `api,app,p1,${FIRST + hour * HOUR},${cpu},0.5,${200 * 1048576}`).join('\n');
    const header = 'workload,container,pod,ts,cpu,cpu_request,mem\n';
    const args = [
      'pull',
      '--file',
      'samples.csv',
      '--name',
      'payments',
      '--interval',
      '3600',
      '--time',
      'ts',
      '--container',
      'workload,container',
    ];
    const columns = ['--pod', 'pod', '--cpu', 'cpu:cores', '--cpu-request', 'cpu_request:cores', '--mem', 'mem:bytes'];
    fs.writeFileSync('samples.csv', header + rows(0.1));
    expect((await usage([...args, ...columns])).out).toBe('usage/payments.json: 1 containers, 2026-10-01 to 2026-10-02; written');
    await usage(['recommend']);
    fs.writeFileSync('samples.csv', header + rows(0.2));
    await usage([...args, ...columns]);
    const content = JSON.parse(fs.readFileSync(FILE, 'utf8')).containers['api/app'];
    expect(content.recommendation.cpuMillis).toBeGreaterThan(0);
    const days = ['2026-10-01', '2026-10-02'];
    expect(content.blocks.map((line: string) => line.split(' ').slice(0, 3))).toEqual(
      days.flatMap((day) => ['00', '08', '16'].map((hour) => [`${day}T${hour}`, 'cpu', '200'])),
    );
    expect((await usage([...args, ...columns])).out).toContain('; nothing changed');
  });

  /** Reads a file with two pods and a sample a minute. */
  async function pullMinutes(from: number, minutes: number, cpu: number, more: string[] = []): Promise<Outcome> {
    const rows = Array.from({ length: minutes }, (_, minute) => ['a', 'b'].map((pod) => `app,${pod},${from + minute * 60},${cpu},100`));
    fs.writeFileSync('minutes.csv', `c,pod,ts,cpu,mem\n${rows.flat().join('\n')}\n`);
    const columns = ['--time', 'ts', '--container', 'c', '--pod', 'pod', '--cpu', 'cpu:millicores', '--mem', 'mem:MiB'];
    return usage(['pull', '--file', 'minutes.csv', '--name', 'payments', '--interval', '60', ...columns, ...more]);
  }
  const blocksOf = (container = 'app') =>
    JSON.parse(fs.readFileSync(FILE, 'utf8')).containers[container].blocks.map((line: string) => line.split(' ').slice(0, 3).join(' '));

  test('counts pods by the interval that is given', async () => {
    await pullMinutes(FIRST, 24 * 60, 100);
    expect(JSON.parse((await usage(['show', '--json'])).out).containers[0].replicas).toBe(2);
  });

  test('keeps blocks that hold more samples than what is pulled for the same time, and says so', async () => {
    expect((await pullMinutes(FIRST, 24 * 60, 900)).err).toBe('');
    const { err } = await pullMinutes(FIRST + 12 * HOUR, 12 * 60, 100);
    expect(err).toBe('usage/payments.json: blocks kept: 1, because they hold more samples than what was pulled for the same time');
    expect(blocksOf()).toEqual(['2026-10-01T00 cpu 900', '2026-10-01T08 cpu 900', '2026-10-01T16 cpu 100']);
  });

  test('drops blocks that ended too long before the newest, and containers without any left', async () => {
    await pullMinutes(FIRST, 16 * 60, 100);
    const content = JSON.parse(fs.readFileSync(FILE, 'utf8'));
    content.containers['old/app'] = { blocks: [content.containers.app.blocks[0]] };
    fs.writeFileSync(FILE, JSON.stringify(content));
    expect((await pullMinutes(FIRST + 90 * DAY, 16 * 60, 200)).err).toBe('');
    const { err } = await pullMinutes(FIRST + 91 * DAY, 8 * 60, 300);
    expect(err).toBe(
      'usage/payments.json: blocks dropped: 2, which end more than 91d before the newest (--keep); with them all of old/app',
    );
    expect(blocksOf()[0]).toBe('2026-10-01T08 cpu 100');
    await pullMinutes(FIRST + 92 * DAY, 8 * 60, 300, ['--keep', '1d']);
    expect(blocksOf()).toEqual(['2027-01-01T00 cpu 300']);
    expect(Object.keys(JSON.parse(fs.readFileSync(FILE, 'utf8')).containers)).toEqual(['app']);
  });

  test('names a server in a notice by its origin only', async () => {
    const samples = [{ container: 'api/app', pod: 'api-0', time: FIRST, cpu: 1, memory: 1 }];
    const fake = await FakePrometheus.start(samples, (_asked, response, count) => {
      if (count > 1) return false;
      const data = { resultType: 'matrix', result: [] };
      response.end(JSON.stringify({ status: 'success', warnings: ['PromQL info: a remark'], data }));
      return true;
    });
    const origin = fake.url;
    const args = ['pull', '--prometheus', `${origin}/secret-tenant`, '--namespace', 'payments', '--until', '2026-10-02', '--since', '1d'];
    const { code, err } = await usage(args).finally(() => fake.stop());
    expect({ code, err }).toEqual({ code: 0, err: `warning: ${origin}: PromQL info: a remark` });
  });

  test('refuses another interval than that of the file before it reads anything', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': {} }));
    await expect(usage(['pull', '--aggregated', 'none.jsonl', '--name', 'payments', '--interval', '60'])).rejects.toMatchObject({
      code: 'Millrace.ProfilesDiffer',
    });
  });

  test('prints the statement for the engine that has the samples', async () => {
    const columns = ['--time', 'ts:timestamp', '--container', 'workload,container', '--pod', 'pod', '--cpu', 'cpu_mcores:millicores'];
    const { code, out } = await usage(['pull', '--sql', 'athena', '--table', 'metrics.usage', '--interval', '60', ...columns]);
    expect(code).toBe(0);
    expect(out).toMatch(/^WITH samples AS \([^]*FROM "metrics"\."usage"/);
  });

  test('leaves the old file and no other behind when Ctrl-C comes while the server hangs', async () => {
    fs.writeFileSync(FILE, profile({ 'api/app': {} }));
    const before = fs.readFileSync(FILE, 'utf8');
    const server = http.createServer(() => undefined);
    const asked = new Promise((resolve) => server.once('request', resolve));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const args = ['--import', path.join(ROOT, 'node_modules/tsx/dist/loader.mjs'), path.join(ROOT, 'bin/millrace.ts'), 'usage', 'pull'];
    const child = spawn(process.execPath, [...args, '--prometheus', url, '--namespace', 'payments'], { cwd: process.cwd() });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    await Promise.race([asked, ended]);
    child.kill('SIGINT');
    expect({ ended: await ended, stderr }).toEqual({ ended: { code: 130, signal: null }, stderr: 'interrupted: nothing was written\n' });
    server.closeAllConnections();
    server.close();
    expect([fs.readFileSync(FILE, 'utf8') === before, fs.readdirSync('usage')]).toEqual([true, ['payments.json']]);
  }, 60_000);
});
