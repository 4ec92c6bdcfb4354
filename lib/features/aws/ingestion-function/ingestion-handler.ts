import { type MappedRecord, mapRecord } from './feature-values';
import type { IngestionMapping } from './ingestion-mapping';
import { type KafkaBatchResponse, type KafkaEvent, type KafkaRecord, Rejection } from './kafka-event';
import { metricLines } from './metric-lines';
import { type FindSchema, recordDecoder } from './record-decoder';
import { type WriterSurroundings, blamesRecord, inParallel, insist } from './record-writer';

/** What the handler needs of its surroundings, so that tests need neither AWS nor patience. */
export interface IngestionSurroundings extends WriterSurroundings {
  readonly mapping: IngestionMapping;
  readonly featureGroupName: string;
  /** Whether the event source takes the records that failed; if not, a failure fails the batch. */
  readonly reportsItems: boolean;
  /** Records written at a time. */
  readonly parallelWrites: number;
  readonly findSchema: FindSchema;
  /** Keeps what can never be written, for somebody to look at. */
  keep(name: string, body: string): Promise<void>;
  /** Writes a line to the log. */
  print(line: string): void;
}

/** What Lambda says of an invocation. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

/** Time for keeping rejected records and for the answer, after which nothing is tried again. */
const RESERVE_MS = 15_000;
const REASONS_LOGGED = 10;

/** What is left when the time of an invocation is over; without an answer in time all of the batch would come again. */
class OutOfTime extends Error {
  public override readonly name = 'OutOfTime';
}

interface ReadRecord {
  readonly record: KafkaRecord;
  readonly mapped: MappedRecord;
}

interface Rejected {
  readonly record: KafkaRecord;
  readonly reason: string;
}

/** The state of one batch. */
class Batch {
  public readonly freshness: number[] = [];
  public readonly rejected: Rejected[] = [];
  public readonly failed: KafkaRecord[] = [];
  private readonly reasons = new Set<string>();

  /** Sorts what went wrong with a record: its own fault, or one that may pass. */
  public fault(record: KafkaRecord, error: unknown): void {
    if (error instanceof Rejection) this.rejected.push({ record, reason: error.message });
    else if (blamesRecord(error)) this.rejected.push({ record, reason: `SageMaker refused it: ${(error as Error).name}` });
    else this.fail(record, error);
  }

  public fail(record: KafkaRecord, error: unknown): void {
    this.failed.push(record);
    // Names alone: messages of a service may hold values of the record.
    this.reasons.add((error as Error | undefined)?.name ?? 'unknown');
  }

  public get failure(): string {
    return `${this.failed.length} records are to be tried again: ${[...this.reasons].sort().join(', ')}`;
  }
}

/**
 * The handler of the ingestion function. Records of one entity are written one after another in their order, those of different entities at a
 * time. What can never be written is kept apart and done with, so that it blocks no partition; what may pass is tried again, here and then by
 * the event source. Writing a record twice does no harm: the online store keeps the newest event time, and the offline store is a log.
 */
export function ingestionHandler(
  surroundings: IngestionSurroundings,
): (event: KafkaEvent, context: InvocationContext) => Promise<KafkaBatchResponse> {
  const { mapping, featureGroupName, now, print } = surroundings;
  const decode = recordDecoder(mapping, surroundings.findSchema);

  // Half of the time at most, so that one schema that nobody answers for leaves the records of the others time to be written.
  const readAll = async (records: readonly KafkaRecord[], batch: Batch, { start, deadline }: { start: number; deadline: number }) => {
    const read = new Map<KafkaRecord, MappedRecord>();
    await inParallel(records, surroundings.parallelWrites, async (record) => {
      try {
        if (now() >= deadline) throw new OutOfTime();
        const fields = await insist(() => decode(record), surroundings, (start + deadline) / 2);
        read.set(record, mapRecord(fields, mapping, now()));
      } catch (error) {
        batch.fault(record, error);
      }
    });
    return records.flatMap((record) => (read.has(record) ? [{ record, mapped: read.get(record)! }] : []));
  };

  return async (event, context) => {
    const start = now();
    const deadline = start + context.getRemainingTimeInMillis() - RESERVE_MS;
    const batch = new Batch();
    const entities = chains(await readAll(Object.values(event.records).flat(), batch, { start, deadline }));
    await inParallel(entities, surroundings.parallelWrites, async (chain) => {
      let broken: unknown;
      for (const { record, mapped } of chain) {
        if (now() >= deadline) broken ??= new OutOfTime();
        if (broken !== undefined) {
          // Behind one that is to be tried again: of two records of the same time the later one has to win.
          batch.fail(record, broken);
          continue;
        }
        try {
          await insist(() => surroundings.putRecord(mapped.values), surroundings, deadline);
          batch.freshness.push(Math.max(0, now() - mapped.eventTime));
        } catch (error) {
          if (!blamesRecord(error)) broken = error ?? new Error('unknown');
          batch.fault(record, error);
        }
      }
    });
    await keepRejected(batch, surroundings);
    for (const line of metricLines({ featureGroupName, freshness: batch.freshness, rejected: batch.rejected.length }, now())) print(line);
    return answer(batch, surroundings);
  };
}

/** Records of each entity, in their order. */
function chains(records: readonly ReadRecord[]): ReadRecord[][] {
  const entities = new Map<string, ReadRecord[]>();
  for (const each of records) {
    const chain = entities.get(each.mapped.entity);
    if (chain) chain.push(each);
    else entities.set(each.mapped.entity, [each]);
  }
  return [...entities.values()];
}

/** One object for each partition and batch. The same batch makes the same name, so that a repetition leaves no second one. */
async function keepRejected(batch: Batch, { keep, print }: IngestionSurroundings): Promise<void> {
  const partitions = new Map<string, Rejected[]>();
  for (const each of batch.rejected) {
    const partition = `${each.record.topic}/${each.record.partition}`;
    partitions.set(partition, [...(partitions.get(partition) ?? []), each]);
  }
  for (const [partition, rejected] of partitions) {
    const sorted = rejected.sort((a, b) => a.record.offset - b.record.offset);
    const name = `rejected/${partition}/${sorted[0].record.offset}-${sorted[sorted.length - 1].record.offset}.jsonl`;
    try {
      await keep(name, sorted.map(({ record, reason }) => `${JSON.stringify({ reason, ...record })}\n`).join(''));
      const reasons = [...new Set(sorted.map(({ reason }) => reason))].slice(0, REASONS_LOGGED);
      print(JSON.stringify({ level: 'WARN', message: `${sorted.length} records rejected`, object: name, reasons }));
    } catch (error) {
      // Not kept, so not done with: they come again.
      for (const { record } of sorted) batch.fail(record, error);
      batch.rejected.splice(0, batch.rejected.length, ...batch.rejected.filter((each) => !sorted.includes(each)));
    }
  }
}

function answer(batch: Batch, { reportsItems, print }: IngestionSurroundings): KafkaBatchResponse {
  if (batch.failed.length === 0) return { batchItemFailures: [] };
  if (!reportsItems) throw new Error(batch.failure);
  print(JSON.stringify({ level: 'WARN', message: batch.failure }));
  const failures = batch.failed.map(({ topic, partition, offset }) => ({
    itemIdentifier: { partition: `${topic}-${partition}`, offset },
  }));
  return { batchItemFailures: failures };
}
