// Derives from the CloudFormation spec database what the library needs to know at run time, so that the database itself (a development
// dependency of 20 MB) is not needed there:
//   lib/cost/tag-spec.generated.json         which types can be tagged, by which property and shape, and where a tag change replaces
//   lib/core/replacement.generated.json      which properties replace a resource when changed, and which types hold data
// Run with `npm run generate:spec`; the output is committed and a test compares it with the database.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { loadAwsServiceSpecSync } = require('@aws-cdk/aws-service-spec');
const { version } = require('@aws-cdk/aws-service-spec/package.json');

// Types that hold data though the spec does not mark them stateful: losing one loses messages, features, models, tables or images.
const ALSO_STATEFUL = [
  'AWS::ECR::Repository',
  'AWS::Glue::Database',
  'AWS::Glue::Registry',
  'AWS::Glue::Schema',
  'AWS::Glue::SchemaVersion',
  'AWS::Glue::Table',
  'AWS::MSK::Cluster',
  'AWS::MSK::ServerlessCluster',
  'AWS::MSK::Topic',
  'AWS::MemoryDB::Cluster',
  'AWS::OpenSearchServerless::Collection',
  'AWS::RedshiftServerless::Namespace',
  'AWS::S3Express::DirectoryBucket',
  'AWS::S3Tables::Table',
  'AWS::S3Tables::TableBucket',
  'AWS::S3Vectors::Index',
  'AWS::S3Vectors::VectorBucket',
  'AWS::SageMaker::Domain',
  'AWS::SageMaker::FeatureGroup',
  'AWS::SageMaker::MlflowApp',
  'AWS::SageMaker::MlflowTrackingServer',
  'AWS::SageMaker::ModelPackageGroup',
  'AWS::Timestream::Database',
  'AWS::Timestream::Table',
];
// Custom resources of ours that hold data; the spec knows none.
const OWN_STATEFUL = ['Custom::MillraceKafkaTopic'];
// A nested stack is not data itself; what is in it is compared on its own.
const NOT_STATEFUL = ['AWS::CloudFormation::Stack'];

// Types with tags in their schema that the spec's tagInformation does not know. Without a path they can be tagged but not by us.
const TAGS_ELSEWHERE = {
  'AWS::EC2::LaunchTemplate': 'TagSpecifications',
  'AWS::EC2::EC2Fleet': 'TagSpecifications',
  'AWS::EC2::SpotFleet': 'SpotFleetRequestConfigData.TagSpecifications',
  'AWS::EC2::CapacityReservation': 'TagSpecifications',
  'AWS::EC2::CapacityReservationFleet': 'TagSpecifications',
  'AWS::EC2::ClientVpnEndpoint': 'TagSpecifications',
  'AWS::DynamoDB::GlobalTable': 'Replicas[].Tags',
  'AWS::Budgets::Budget': 'ResourceTags',
};

export function deriveSpecFacts() {
  const db = loadAwsServiceSpecSync();
  const resources = [...db.all('resource')].sort((a, b) => (a.cloudFormationType < b.cloudFormationType ? -1 : 1));
  const byShape = {};
  const replaces = [];
  for (const resource of resources) {
    const type = resource.cloudFormationType;
    if (!resource.tagInformation) continue;
    const { tagPropertyName, variant } = resource.tagInformation;
    (byShape[`${variant}:${tagPropertyName}`] ??= []).push(type);
    if (resource.properties[tagPropertyName]?.causesReplacement === 'yes') replaces.push(type);
  }
  const known = new Set(resources.map((resource) => resource.cloudFormationType));
  for (const type of [...Object.keys(TAGS_ELSEWHERE), ...ALSO_STATEFUL]) {
    if (!known.has(type))
      throw new Error(`${type} is not in @aws-cdk/aws-service-spec ${version}: correct the list in scripts/generate-spec-facts.mjs`);
  }
  for (const [type, tagPath] of Object.entries(TAGS_ELSEWHERE)) {
    const resource = db.lookup('resource', 'cloudFormationType', 'equals', type)[0];
    const top = tagPath.split(/[.[]/)[0];
    if (tagPath === top && resource.properties[top]?.causesReplacement === 'yes') replaces.push(type);
  }
  const untaggable = resources
    .map((r) => r.cloudFormationType)
    .filter((t) => !Object.values(byShape).some((types) => types.includes(t)) && !TAGS_ELSEWHERE[t]);

  const replacing = {};
  const mayReplace = {};
  const stateful = [...OWN_STATEFUL];
  for (const resource of resources) {
    const type = resource.cloudFormationType;
    const holdsData = !NOT_STATEFUL.includes(type) && (resource.isStateful || ALSO_STATEFUL.includes(type));
    if (holdsData) stateful.push(type);
    const tagProperty = resource.tagInformation?.tagPropertyName;
    const found = { yes: [], maybe: [] };
    const visit = (properties, prefix, seen) => {
      for (const [name, property] of Object.entries(properties)) {
        if (prefix === '' && name === tagProperty) continue; // the frozen-tags rule speaks of tags
        const here = `${prefix}${name}`;
        if (property.causesReplacement === 'yes' || property.causesReplacement === 'maybe') found[property.causesReplacement].push(here);
        else
          for (const [ref, suffix] of references(property.type)) {
            if (!seen.includes(ref)) visit(db.get('typeDefinition', ref).properties, `${here}${suffix}.`, [...seen, ref]);
          }
      }
    };
    visit(resource.properties, '', []);
    if (found.yes.length > 0) replacing[type] = found.yes.sort();
    // What may replace is worth saying only where data is at stake.
    if (holdsData && found.maybe.length > 0) mayReplace[type] = found.maybe.sort();
  }
  const source = `@aws-cdk/aws-service-spec ${version}`;
  return {
    'lib/cost/tag-spec.generated.json': { source, taggable: byShape, elsewhere: TAGS_ELSEWHERE, replaces: replaces.sort(), untaggable },
    'lib/core/replacement.generated.json': { source, stateful, replaces: replacing, mayReplace },
  };
}

function references(type) {
  switch (type?.type) {
    case 'ref':
      return [[type.reference.$ref, '']];
    case 'array':
      return references(type.element).map(([ref, suffix]) => [ref, `[]${suffix}`]);
    case 'union':
      return type.types.flatMap(references);
    default:
      return [];
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === new URL(import.meta.url).pathname) {
  for (const [file, content] of Object.entries(deriveSpecFacts())) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify(content, undefined, 1) + '\n');
    console.log(`${file}: ${fs.statSync(file).size} bytes`);
  }
}
