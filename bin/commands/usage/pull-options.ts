import type { parseArgs } from 'util';

/** The part of the usage text about `pull`. */
export const PULL_USAGE = `  pull        reads usage into a profile; blocks that are pulled again replace those in the file, unless it has more samples of that time
          --name NAME             of the profile; default the namespace, or the name of the file that is read
          --out FILE              default usage/NAME.json
          --block TIME            1h to 24h; default 8h, or that of the profile
          --interval SECONDS      between two samples of a pod; needed but for Prometheus: default 300, or that of the profile
          --since TIME            how far back; Prometheus: default 28d, whole blocks
          --until DATE            default now, whole blocks
          --keep TIME             default 91d: blocks that ended longer ago before the newest of the file are dropped
    from Prometheus, Thanos, Mimir, VictoriaMetrics, Amazon Managed Service for Prometheus
          --prometheus URL        the address before /api/v1
          --namespace NAME
          --matcher LABEL=VALUE   further labels of all series beside the namespace, such as cluster=prod; repeatable
          --bearer-token-file FILE, --user NAME --password-file FILE, --cert FILE --key FILE, --ca FILE, --sigv4 REGION
          --header NAME=VALUE     repeatable
          --allow-partial         take answers that the server calls partial
    from a file of samples (needs @duckdb/node-api)
          --file PATH             .csv, .csv.gz or .parquet, with the columns
          --time COLUMN[:UNIT]    unit s (default), ms, timestamp, or seconds of an index such as 300
          --epoch SECONDS         what the time counts from; default 0
          --container COLUMN,...  joined by /; --pod COLUMN
          --cpu COLUMN:UNIT       millicores, cores; likewise --cpu-request
          --mem COLUMN:UNIT       MiB, bytes; likewise --mem-peak, --mem-request
          --gpu COLUMN:UNIT       thousandths, percent, fraction; likewise --gpu-request; --gpu-mem as --mem
          --throttled COLUMN:UNIT fraction, percent; --oom COLUMN
    from where the samples are
          --sql DIALECT           athena, trino, spark or duckdb: prints the statement, with the columns above and --table A.B.C
          --aggregated PATH       the answer of that statement: .jsonl, .csv or .parquet
`;

const text = { type: 'string' } as const;

/** Options of `millrace usage pull`. */
export const PULL_OPTIONS = {
  name: text,
  out: text,
  block: text,
  interval: text,
  since: text,
  until: text,
  keep: { type: 'string', default: '91d' },
  prometheus: text,
  namespace: text,
  matcher: { type: 'string', multiple: true },
  'bearer-token-file': text,
  user: text,
  'password-file': text,
  cert: text,
  key: text,
  ca: text,
  sigv4: text,
  header: { type: 'string', multiple: true },
  'allow-partial': { type: 'boolean' },
  file: text,
  time: text,
  epoch: text,
  container: text,
  pod: text,
  cpu: text,
  'cpu-request': text,
  mem: text,
  'mem-peak': text,
  'mem-request': text,
  gpu: text,
  'gpu-request': text,
  'gpu-mem': text,
  throttled: text,
  oom: text,
  sql: text,
  table: text,
  aggregated: text,
} as const;

/** The options that were given. */
export type PullValues = ReturnType<typeof parseArgs<{ options: typeof PULL_OPTIONS }>>['values'];
