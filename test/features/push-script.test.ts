import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { PUSH_SCRIPT } from '../../lib/features/k8s/push-script';
import { RECORDS_SCRIPT } from '../../lib/features/k8s/records-script';

const SPEC = {
  project: 'radar_v1',
  view: 'card-activity',
  pushSource: 'card-activity-push',
  to: 'online',
  keepAll: false,
  format: 'JSON',
  entityKey: 'card_id',
  eventTime: { name: 'event_time', source: 'authorizedAt', encoding: 'epochMillis' },
  features: [
    { name: 'card_id', source: 'cardId', type: 'String' },
    { name: 'amount', source: 'amount', type: 'Fractional' },
  ],
  deadLetterTopic: 'payments.dlq',
  batch: 200,
};
const hasPython = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']).status === 0;

(hasPython ? describe : describe.skip)('the script of a push', () => {
  let results: any;

  beforeAll(() => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-push-'));
    const files = { 'push.py': PUSH_SCRIPT, 'records.py': RECORDS_SCRIPT, 'push.json': JSON.stringify(SPEC) };
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
    const { stdout, stderr, status } = spawnSync('python3', ['-B', path.join(__dirname, 'push_cases.py'), folder], {
      encoding: 'utf8',
      timeout: 100_000,
      env: { PATH: process.env.PATH },
    });
    fs.rmSync(folder, { recursive: true });
    if (status !== 0) throw new Error(stderr);
    results = JSON.parse(stdout);
  }, 120_000);

  test('commits after each batch that Feast has taken, the newest of each entity', () => {
    const { done, pushed, failure, metrics } = results.good;
    expect([done, failure]).toEqual([['commit', 'commit', 'close'], null]);
    expect(pushed[0]).toEqual({
      push_source_name: 'card-activity-push',
      df: { card_id: ['c1', 'c2'], amount: [1.5, 1.5], event_time: [expect.any(String), expect.any(String)] },
      to: 'online',
    });
    expect(pushed[1].df.amount).toEqual([2.5]);
    expect(metrics).toMatchObject({ records_total: 5, pushes_total: 2, freshness_seconds_count: 4, push_failures_total: 0 });
  });

  test('tries again until Feast takes the push, whatever it answers, and commits then', () => {
    const { done, pushed, metrics } = results.outage;
    expect([pushed.length, done, metrics.push_failures_total]).toEqual([4, ['commit', 'close'], 3]);
  });

  test('puts aside what it cannot read, with the reason and the place', () => {
    const { done, pushed, letters, metrics } = results.dead;
    expect([pushed.length, done, metrics.dead_letters_total]).toEqual([1, ['commit', 'close'], 2]);
    const place = { trace: '1', 'millrace.topic': 'payments', 'millrace.partition': '3', 'millrace.offset': '42' };
    expect(letters).toEqual([
      ['payments.dlq', '{', 'key', { ...place, 'millrace.error': expect.stringContaining('not to be decoded') }],
      ['payments.dlq', '{"cardId": ""}', 'key', { ...place, 'millrace.error': 'no card_id' }],
    ]);
  });

  test('commits nothing whose dead letter did not arrive', () => {
    expect(results['dead, refused']).toMatchObject({ done: ['close'], failure: expect.stringContaining('too large') });
    expect(results['dead, unanswered']).toMatchObject({ done: ['close'], failure: expect.stringContaining('no answer') });
    expect(results['dead, nowhere']).toMatchObject({ done: ['close'], failure: expect.stringContaining('Unfit') });
  });

  test('goes on when its partitions moved, and ends when it may not commit or read', () => {
    expect(results.moved).toMatchObject({ done: ['commit fails: REBALANCE_IN_PROGRESS', 'commit', 'close'], failure: null });
    expect(results.forbidden).toMatchObject({ done: ['commit fails: GROUP_AUTHORIZATION_FAILED', 'close'] });
    expect(results.forbidden.failure).not.toBeNull();
    expect(results.broken).toMatchObject({ done: ['close'], failure: 'RuntimeError: UNKNOWN_TOPIC_OR_PART' });
  });

  test('ends soon when it is told to stop while Feast is away, and commits nothing', () => {
    expect(results.stopped).toMatchObject({ done: ['close'], failure: null });
    expect(results.stopped.seconds).toBeLessThan(15);
  });

  test('maps values as the ingestion of the other flavour does', () => {
    const amounts = results.values.map((each: any) => (Array.isArray(each) ? each[0].amount : each.slice(0, 17)));
    expect(amounts).toEqual([null, 3, null, 'amount is True, w', "amount is '1', wh", 'amount is 1000000']);
    expect(results.entities).toEqual([
      'no card_id',
      'no card_id',
      'card_id is 7, which is no String',
      expect.stringContaining('no String'),
    ]);
    expect(results.whole.map(String)).toEqual(['1', '3', '9223372036854776000']);
    expect(results.records).toEqual(['the record has no fields', 'the record has no fields', 'no card_id']);
  });

  test('reads times in each encoding, and none that would hide later records', () => {
    expect(results.times).toEqual([1_700_000_000, 1_700_000_000.25, 1_700_000_000.001, 1_700_000_000.000001, 1_700_000_000, 1_700_000_000]);
    for (const each of results['no times']) expect(each).toMatch(/^unfit: event time/);
    expect(results['no times'][5]).toContain('more than a day ahead');
    expect(results.soon).toBe(true);
  });

  test('reads Avro without logical types, and puts aside only what the registry itself does not know', () => {
    expect(results.avro.fields).toEqual([{ name: 'a', type: ['null', { type: 'string' }] }]);
    expect(results['unknown schema']).toEqual([
      'Unfit: nobody knows the schema 9 it was written with',
      'HTTPError: HTTP Error 404: Not Found',
    ]);
  });

  test('tells Prometheus the age of values and how many were older than promised', () => {
    const labels = '{project="radar_v1",view="card-activity"}';
    expect(results.scrape).toContain(`millrace_feature_late_records_total${labels} 1\n`);
    expect(results.scrape).toContain(`millrace_feature_freshness_seconds_count${labels} 2\n`);
    expect(results.scrape).toContain('millrace_feature_freshness_seconds_bucket{project="radar_v1",view="card-activity",le="60.0"} 1\n');
  });
});
