import type { ConnectorSettings } from './cdc-config';
import { sorted } from './cdc-config';
import { ConnectFormat } from './connect-format';

/** How files in S3 are written. */
export enum S3FileFormat {
  /** A JSON object a line. */
  JSON_LINES = 'jsonl',
  /** Apache Parquet; the records need a schema, so JSON without schemas does not do. */
  PARQUET = 'parquet',
}

/** How files in S3 are compressed. */
export enum S3Compression {
  GZIP = 'gzip',
  SNAPPY = 'snappy',
  ZSTD = 'zstd',
  NONE = 'none',
}

/** Options of a sink that writes files to S3. */
export interface S3SinkOptions {
  /** Name of the bucket. On AWS let the connector write to it with `connector.grantWriteTo(bucket)`. */
  readonly bucketName: string;
  /** Region of the bucket. */
  readonly region: string;
  /**
   * Begins the names of the files, for example `events/`.
   * @default - none
   */
  readonly prefix?: string;
  /**
   * How files are written.
   * @default S3FileFormat.JSON_LINES
   */
  readonly fileFormat?: S3FileFormat;
  /**
   * How files are compressed.
   * @default S3Compression.GZIP
   */
  readonly compression?: S3Compression;
  /**
   * How the records are read.
   * @default ConnectFormat.json()
   */
  readonly format?: ConnectFormat;
}

/** The settings, by the connector's README (Aiven-Open/cloud-storage-connectors-for-apache-kafka, s3-sink-connector). */
export function s3SinkSettings(options: S3SinkOptions): ConnectorSettings {
  return sorted({
    'aws.s3.bucket.name': options.bucketName,
    'aws.s3.region': options.region,
    'file.name.template': `${options.prefix ?? ''}{{topic}}/{{partition:padding=true}}-{{start_offset:padding=true}}`,
    'file.compression.type': options.compression ?? S3Compression.GZIP,
    'format.output.type': options.fileFormat ?? S3FileFormat.JSON_LINES,
    'format.output.fields': 'key,value,offset,timestamp,headers',
    ...(options.format ?? ConnectFormat.json()).settings,
  });
}
