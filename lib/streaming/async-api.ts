import type { StreamCatalog } from './stream-catalog';

/** The catalogue of an app as an AsyncAPI 3 document in JSON. */
export function asyncApiDocument(catalog: StreamCatalog): string {
  const channels = Object.fromEntries(
    catalog.topics.map((topic) => [`${topic.clusterName}.${topic.topicName}`, { address: topic.topicName }]),
  );
  return `${JSON.stringify({ asyncapi: '3.0.0', info: { title: 'Streams', version: '1.0.0' }, channels }, null, 2)}\n`;
}
