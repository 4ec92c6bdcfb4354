import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { ConnectorNetwork } from './connector-network';

/** User and password of a database in Secrets Manager, as JSON. */
export interface CdcSecret {
  /** The secret. */
  readonly secret: secretsmanager.ISecret;
  /**
   * Key of the user.
   * @default 'username': as RDS writes it
   */
  readonly userKey?: string;
  /**
   * Key of the password.
   * @default 'password': as RDS writes it
   */
  readonly passwordKey?: string;
}

/** Where and how the one worker of a capture runs. */
export interface CdcWorker {
  /**
   * MSK Connect units of the worker, 1 vCPU and 4 GiB each: 1, 2, 4 or 8.
   * @default 1
   */
  readonly mcuCount?: number;
  /**
   * Version of Kafka Connect.
   * @default '3.7.x'
   */
  readonly connectVersion?: string;
  /**
   * Where it stands; the way out to the port of the database is open, the database lets it in with `cdc.connections.allowTo(database, …)`.
   * @default - in the network of the cluster
   */
  readonly network?: ConnectorNetwork;
}
