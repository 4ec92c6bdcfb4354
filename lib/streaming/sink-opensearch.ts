import type { ConnectorSettings } from './cdc-config';
import { sorted } from './cdc-config';
import { ConnectFormat } from './connect-format';

/** What becomes of a record without value. */
export enum DeleteBehavior {
  /** The document of its key is deleted. */
  DELETE = 'delete',
  /** Nothing. */
  IGNORE = 'ignore',
}

/** Options of a sink that indexes into OpenSearch. */
export interface OpenSearchSinkOptions {
  /** URLs of the domain or cluster, `https://host:443`. */
  readonly urls: string[];
  /**
   * User, as a reference that a config provider resolves.
   * @default - none
   */
  readonly user?: string;
  /**
   * Password, as a reference that a config provider resolves, never as a value.
   * @default - none
   */
  readonly password?: string;
  /**
   * What becomes of a record without value.
   * @default DeleteBehavior.DELETE: an index follows a compacted topic
   */
  readonly deletes?: DeleteBehavior;
  /**
   * How the records are read.
   * @default ConnectFormat.json()
   */
  readonly format?: ConnectFormat;
}

/** The settings, by the connector's list of options (Aiven-Open/opensearch-connector-for-apache-kafka, docs). */
export function openSearchSinkSettings(options: OpenSearchSinkOptions): ConnectorSettings {
  return sorted({
    'connection.url': options.urls.join(','),
    ...(options.user === undefined ? {} : { 'connection.username': options.user }),
    ...(options.password === undefined ? {} : { 'connection.password': options.password }),
    // The key is the id of the document, so that a record that comes twice is one document.
    'key.ignore': 'false',
    'schema.ignore': 'true',
    'behavior.on.null.values': options.deletes ?? DeleteBehavior.DELETE,
    ...(options.format ?? ConnectFormat.json()).settings,
  });
}
