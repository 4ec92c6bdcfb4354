import { createAcls, deleteAcls, updateAcls } from './acl-operations';
import type { KafkaAdminClient } from './kafka-admin-client';
import { Refusal, describeFailure, passes } from './kafka-failure';
import { createQuota, deleteQuota, updateQuota } from './quota-operations';
import { createTopic, deleteTopic, updateTopic } from './topic-operations';

/** What the custom-resource provider of the CDK sends. */
export interface AdminEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResourceType: string;
  readonly LogicalResourceId: string;
  readonly RequestId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Record<string, any>;
  readonly OldResourceProperties?: Record<string, any>;
}

/** What the provider answers to CloudFormation. */
export interface AdminAnswer {
  readonly PhysicalResourceId: string;
}

/** What the handler needs of its surroundings, so that tests need neither brokers nor patience. */
export interface AdminSurroundings {
  connect(): Promise<KafkaAdminClient>;
  sleep(milliseconds: number): Promise<void>;
  now(): number;
  log(line: string): void;
}

/** How one kind of resource is made, changed and removed. An answer is the physical id; without one the id stays. */
interface Operations {
  create(client: KafkaAdminClient, properties: Record<string, any>): Promise<string | void>;
  update(client: KafkaAdminClient, properties: Record<string, any>, old: Record<string, any>): Promise<string | void>;
  remove(client: KafkaAdminClient, properties: Record<string, any>): Promise<void>;
}

const OPERATIONS: Readonly<Record<string, Operations>> = {
  'Custom::MillraceKafkaTopic': { create: createTopic, update: updateTopic, remove: deleteTopic },
  'Custom::MillraceKafkaAcls': { create: createAcls, update: updateAcls, remove: deleteAcls },
  'Custom::MillraceKafkaQuota': { create: createQuota, update: updateQuota, remove: deleteQuota },
};

/** Longer than IAM needs to tell the brokers of a new policy, shorter than the function may run. */
const PATIENCE_MS = 150_000;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 15_000;

/** The handler of the admin function: one request, tried again while what stands in its way may pass. Every operation may be repeated. */
export function adminHandler(surroundings: AdminSurroundings): (event: AdminEvent) => Promise<AdminAnswer> {
  return async (event) => {
    const started = surroundings.now();
    for (let attempt = 1, delay = FIRST_DELAY_MS; ; attempt++, delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
      const note = (outcome: string) =>
        surroundings.log(
          JSON.stringify({ request: event.RequestType, type: event.ResourceType, id: event.LogicalResourceId, attempt, outcome }),
        );
      try {
        const answer = await once(event, surroundings);
        note('done');
        return answer;
      } catch (error) {
        const failure = describeFailure(error);
        note(failure);
        if (!passes(error) || surroundings.now() - started + delay > PATIENCE_MS) {
          throw new Error(`${event.RequestType} of ${event.LogicalResourceId}: ${failure}`);
        }
      }
      await surroundings.sleep(delay);
    }
  };
}

async function once(event: AdminEvent, { connect }: AdminSurroundings): Promise<AdminAnswer> {
  const operations = OPERATIONS[event.ResourceType];
  if (!operations) throw new Refusal(`${event.ResourceType} is not among ${Object.keys(OPERATIONS).join(', ')}`);
  const client = await connect();
  try {
    const id = await perform(operations, event, client);
    // CloudFormation replaces a resource whose id changes, so an id that says nothing of the properties is made once.
    return { PhysicalResourceId: id ?? event.PhysicalResourceId ?? `${event.LogicalResourceId}-${event.RequestId}` };
  } finally {
    // What was asked for is done by now; a connection that does not close properly must not undo the answer.
    await client.close().catch(() => undefined);
  }
}

async function perform(operations: Operations, event: AdminEvent, client: KafkaAdminClient): Promise<string | void> {
  switch (event.RequestType) {
    case 'Create':
      return operations.create(client, event.ResourceProperties);
    case 'Update':
      return operations.update(client, event.ResourceProperties, event.OldResourceProperties ?? {});
    case 'Delete':
      await operations.remove(client, event.ResourceProperties);
      return event.PhysicalResourceId;
    default:
      throw new Refusal(`request type ${String(event.RequestType)} is not among Create, Update, Delete`);
  }
}
