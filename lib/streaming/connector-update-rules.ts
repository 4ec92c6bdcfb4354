import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { type ResourcePair, pairedObjects, pairedResources, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

const IN_PLACE = ['Capacity', 'Tags'];
const CONNECTOR = 'AWS::KafkaConnect::Connector';

/** Everything of a connector that CloudFormation replaces it for, its name apart, with the content behind the ARNs. */
function replacing(connector: SynthesizedResource, stack: SynthesizedStack): unknown {
  const { ConnectorName: _name, ...properties } = connector.properties;
  const own = Object.entries(properties).filter(([name]) => !IN_PLACE.includes(name));
  const arns = [
    ...(properties.Plugins ?? []).map((plugin: any) => plugin.CustomPlugin?.CustomPluginArn),
    properties.WorkerConfiguration?.WorkerConfigurationArn,
  ];
  const behind = arns.map((arn: any) => {
    const { Tags: _tags, ...content } = stack.resources.find(({ logicalId }) => logicalId === arn?.['Fn::GetAtt']?.[0])?.properties ?? {};
    return content;
  });
  return [Object.fromEntries(own), behind];
}

/** The offset topic that the workers of a connector use. */
function offsetTopic(connector: SynthesizedResource, stack: SynthesizedStack): string | undefined {
  const id = connector.properties.WorkerConfiguration?.WorkerConfigurationArn?.['Fn::GetAtt']?.[0];
  const content = stack.resources.find(({ logicalId }) => logicalId === id)?.properties.PropertiesFileContent;
  return /offset\.storage\.topic=([^\s"\\]+)/.exec(JSON.stringify(content ?? ''))?.[1];
}

interface Complaint {
  readonly message: string;
  readonly fix: string;
}

function changedTogether(pair: ResourcePair): Complaint | undefined {
  const same = sameJson(replacing(pair.before, pair.stackBefore), replacing(pair.after, pair.stackAfter));
  if (same || sameJson(pair.before.properties.Capacity, pair.after.properties.Capacity)) return undefined;
  return {
    message: 'configuration and capacity change in one deploy; MSK Connect takes one of them at a time',
    fix: 'deploy the capacity first, then the configuration',
  };
}

/** A connector that keeps its name cannot be made beside the old one: MSK Connect refuses the name, and the stack rolls back. */
function replacedUnderItsName(pair: ResourcePair): Complaint | undefined {
  const { before, after } = pair;
  if (!sameJson(before.properties.ConnectorName, after.properties.ConnectorName)) return undefined;
  if (sameJson(replacing(before, pair.stackBefore), replacing(after, pair.stackAfter))) return undefined;
  return {
    message: `the connector ${JSON.stringify(after.properties.ConnectorName)} changes, for which CloudFormation makes a second one of the same name; MSK Connect refuses that`,
    fix: 'deploy it once with state: ConnectorState.STOPPED and the old settings, then with the new ones; it goes on where it stopped',
  };
}

/** Settings by which a connector finds its position again, or says where it writes. */
const POSITION_SETTINGS = [
  'topic.prefix',
  'database.hostname',
  'database.dbname',
  'slot.name',
  'publication.name',
  'schema.history.internal.kafka.topic',
  'consumer.override.group.id',
];

function lostPosition(before: Record<string, unknown>, after: Record<string, unknown>): Complaint | undefined {
  const changed = POSITION_SETTINGS.filter((name) => before[name] !== undefined && !sameJson(before[name], after[name]));
  if (changed.length === 0) return undefined;
  const steps = changed.map((name) => `${name} from ${JSON.stringify(before[name])} to ${JSON.stringify(after[name])}`);
  return {
    message: `${steps.join(', ')}; the connector loses its place, or writes to other topics`,
    fix: 'keep it, or make a second connector of another name and prefix, move the readers to its topics and retire this one',
  };
}

function movedOffsets(pair: ResourcePair): Complaint | undefined {
  const from = offsetTopic(pair.before, pair.stackBefore);
  const to = offsetTopic(pair.after, pair.stackAfter);
  if (from === undefined || from === to) return undefined;
  return {
    message: `offset.storage.topic changes from ${from} to ${to ?? 'one of its own'}; the connector begins anew`,
    fix: `keep connectorName, from which ${from} follows`,
  };
}

class MskConnectorRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly complaint: (pair: ResourcePair) => Complaint | undefined,
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, CONNECTOR).flatMap((pair) => {
      const complaint = this.complaint(pair);
      if (!complaint) return [];
      const place = { path: pair.after.path, templateFile: pair.stackAfter.templateFile, logicalId: pair.after.logicalId };
      return [{ code: this.id, severity: FindingSeverity.ERROR, ...place, ...complaint }];
    });
  }
}

class StrimziRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly kind: string,
    private readonly complaint: (before: any, after: any) => Complaint | undefined,
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, this.kind).flatMap((pair) => {
      const complaint = this.complaint(pair.before.manifest.spec ?? {}, pair.after.manifest.spec ?? {});
      return complaint ? [{ code: this.id, severity: FindingSeverity.ERROR, path: pair.after.id, ...complaint }] : [];
    });
  }
}

const WORKER_IDENTITY = ['groupId', 'configStorageTopic', 'offsetStorageTopic', 'statusStorageTopic'];

function movedWorkers(before: any, after: any): Complaint | undefined {
  const changed = WORKER_IDENTITY.filter((field) => !sameJson(before[field], after[field]));
  if (changed.length === 0) return undefined;
  return {
    message: `${changed.map((field) => `spec.${field} from ${before[field]} to ${after[field]}`).join(', ')}; every connector of the cluster begins anew`,
    fix: 'keep clusterName, from which they follow',
  };
}

const POSITION_LOST = 'Millrace.ConnectorPositionLost';

/** An app knows one rule an id, so what both flavours refuse under one id is one rule. */
function either(id: string, ...rules: IUpdateRule[]): IUpdateRule {
  return { id, check: (before, after) => rules.flatMap((rule) => rule.check(before, after)) };
}

/** The update rules for connectors, both flavours. */
export class ConnectorUpdateRules {
  /** What MSK Connect refuses to change in one deploy, and what makes a connector lose its position. */
  public static all(): IUpdateRule[] {
    return [
      new MskConnectorRule('Millrace.ConnectorTwoChanges', changedTogether),
      new MskConnectorRule('Millrace.ConnectorReplacement', replacedUnderItsName),
      either(
        POSITION_LOST,
        new MskConnectorRule(POSITION_LOST, ({ before, after }) =>
          lostPosition(before.properties.ConnectorConfiguration ?? {}, after.properties.ConnectorConfiguration ?? {}),
        ),
        new StrimziRule(POSITION_LOST, 'KafkaConnector', (before, after) => lostPosition(before.config ?? {}, after.config ?? {})),
      ),
      either(
        'Millrace.ConnectorOffsetsMoved',
        new MskConnectorRule('Millrace.ConnectorOffsetsMoved', movedOffsets),
        new StrimziRule('Millrace.ConnectorOffsetsMoved', 'KafkaConnect', movedWorkers),
      ),
    ];
  }

  private constructor() {}
}
