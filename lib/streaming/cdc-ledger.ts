import { createHash } from 'crypto';
import type { IConstruct } from 'constructs';
import { refuse, violationMessage } from '../core/error';
import { StreamCatalog } from './stream-catalog';

const LEDGER = Symbol.for('millrace.cdcLedger');

/** What each capture of an app claims for itself. */
export class CdcLedger {
  /** The ledger of the app in which a construct stands. */
  public static of(scope: IConstruct): CdcLedger {
    const root = scope.node.root as IConstruct & { [LEDGER]?: CdcLedger };
    const known = root[LEDGER];
    if (known) return known;
    const ledger = new CdcLedger();
    Object.defineProperty(root, LEDGER, { value: ledger });
    return ledger;
  }

  private readonly claims = new Map<string, string>();

  private constructor() {}

  /**
   * Claims the id of a replica of MySQL: two with one id throw each other out of the server.
   *
   * @throws Millrace.CdcServerIdTwice
   */
  public claimServerId(scope: IConstruct, serverId: number): void {
    this.claim(scope, `server id ${serverId}`, {
      code: 'Millrace.CdcServerIdTwice',
      subject: 'serverId',
      allowed: 'an id for each connector: MySQL throws out the older of two replicas with one id',
      fix: 'give serverId to one of them, or another topicPrefix, from which it follows',
    });
  }

  /**
   * Claims a slot of a Postgres server: one reader at a time.
   *
   * @throws Millrace.CdcSlotTwice
   */
  public claimSlot(scope: IConstruct, hostname: string, slotName: string): void {
    this.claim(scope, `slot ${slotName} on ${hostname}`, {
      code: 'Millrace.CdcSlotTwice',
      subject: 'slotName',
      allowed: 'a slot for each connector: Postgres lets one reader at a slot',
      fix: 'give slotName to one of them, or another topicPrefix, from which it follows',
    });
  }

  private claim(scope: IConstruct, what: string, words: { code: string; subject: string; allowed: string; fix: string }): void {
    const other = this.claims.get(what);
    if (other !== undefined) refuse(scope.node.path, { ...words, received: `${what}, as ${other} has` });
    this.claims.set(what, scope.node.path);
  }
}

const LEAST_SERVER_ID = 100_000;

/** An id for the replica of MySQL that follows from the prefix alone, so that it stays when constructs are renamed; above those that people give. */
export function serverIdOf(topicPrefix: string): number {
  const hash = createHash('sha256').update(`millrace ${topicPrefix}`).digest().readUInt32BE(0);
  return LEAST_SERVER_ID + (hash % (2 ** 32 - LEAST_SERVER_ID));
}

/** Makes the synthesis fail where the app declares the topic of the history with more than one partition. */
export function checkHistoryTopic(construct: IConstruct, clusterName: string, topicName: string): void {
  construct.node.addValidation({
    validate: () =>
      StreamCatalog.of(construct)
        .topics.filter((topic) => topic.clusterName === clusterName && topic.topicName === topicName && (topic.partitions ?? 1) > 1)
        .map((topic) =>
          violationMessage({
            code: 'Millrace.CdcHistoryPartitions',
            subject: `${construct.node.path} historyTopic`,
            received: `${topicName} with ${topic.partitions} partitions`,
            allowed: '1 partition: definitions apply in the order in which they were made (Debezium: KafkaSchemaHistory)',
            fix: 'leave historyTopic out, or make one with partitions: 1',
          }),
        ),
  });
}
