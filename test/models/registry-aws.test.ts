import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { MlflowRegistry, ModelRegistry, ModelStatus, Promotion, PromotionReceiver } from '../../lib/models/aws';
import { ModelSource } from '../../lib/models/model-source';
import { codesIn, refusalOf } from '../contract/refusal';

const STAGING = { region: 'eu-west-1', account: '111122223333' };
const PROD = { region: 'eu-west-1', account: '444455556666' };
const GROUP = 'arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/card-fraud';
const VERSION = 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/card-fraud/*';

function newApp(context: Record<string, unknown> = {}): App {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-registry-'));
  const rules = { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/core:defaultCrossStackReferences': 'strong' };
  const app = new App({ outdir, context: { ...rules, '@aws-cdk/aws-iam:minimizePolicies': true, ...context } });
  new CostAllocation({ team: 'fraud-ml', service: 'card-fraud', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}

const assemblyOf = (app: App) => Assembly.fromDirectories({ templates: app.synth().directory });
const roleIn = (scope: Stack, id: string) => new iam.Role(scope, id, { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });

/** A stack with a registry, for what is refused at once. */
function registryIn(env: object | undefined = STAGING, props: object = {}): ModelRegistry {
  return new ModelRegistry(new Stack(newApp(), 'Models', { env }), 'Registry', { registryName: 'card-fraud', ...props });
}

let resources: SynthesizedResource[];
let warnings: string[];
let endpointTemplate: any;

/** Intrinsics as a reader says them, with the partition of AWS. */
function said(value: unknown): any {
  const text = (part: any): string => {
    if (typeof part === 'string') return part;
    if (part?.Ref === 'AWS::Partition') return 'aws';
    if (part?.Ref) return `<${part.Ref}>`;
    if (part?.['Fn::GetAtt']) return `<${part['Fn::GetAtt'].join('.')}>`;
    if (part?.['Fn::Join']) return part['Fn::Join'][1].map(text).join(part['Fn::Join'][0]);
    return JSON.stringify(part);
  };
  if (Array.isArray(value)) return value.map(said);
  if (value === null || typeof value !== 'object') return value;
  if (Object.keys(value).length === 1 && /^(Ref|Fn::)/.test(Object.keys(value)[0])) return text(value);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, said(part)]));
}

const all = (stack: string, type: string) => resources.filter((each) => each.type === type && each.path.startsWith(`${stack}/`));
function one(stack: string, type: string, part = ''): any {
  const found = all(stack, type).filter((each) => each.path.includes(part));
  expect(found.map((each) => each.path)).toHaveLength(1);
  return said(found[0].properties);
}
const statementsOf = (stack: string, role: string): any[] =>
  one(stack, 'AWS::IAM::Policy', `/${role}/`).PolicyDocument.Statement.filter(({ Action }: any) =>
    [Action].flat()[0].startsWith('sagemaker:'),
  );

beforeAll(() => {
  const app = newApp();

  const models = new Stack(app, 'Models', { env: STAGING });
  const key = new kms.Key(models, 'Key', { enableKeyRotation: true });
  const registry = new ModelRegistry(models, 'Registry', {
    registryName: 'card-fraud',
    description: 'Fraud of card payments',
    artifacts: { encryptionKey: key },
  });
  registry.shareWithAccount(PROD.account, { imageRepositories: [new ecr.Repository(models, 'Images')] });
  registry.grants.read(roleIn(models, 'Reader'));
  registry.grants.register(roleIn(models, 'Trainer'));
  registry.grants.approve(roleIn(models, 'Approver'));
  registry.grants.deploy(roleIn(models, 'Deployer'));
  const queue = new sqs.Queue(models, 'Queue');
  registry.onApproval('OnApproval', { target: new targets.SqsQueue(queue) });
  registry.onStatusChange('OnDecision', { target: new targets.SqsQueue(queue), statuses: [ModelStatus.REJECTED, ModelStatus.PENDING] });
  registry.onStatusChange('OnAny', { target: new targets.SqsQueue(queue) });

  const next = new Stack(app, 'Next', { env: PROD });
  const imported = ModelRegistry.fromModelRegistryAttributes(next, 'Registry', { registryArn: GROUP });
  const receiver = new PromotionReceiver(next, 'Receiver', { registry: imported });
  imported.grants.deploy(roleIn(next, 'Deployer'));
  const project = codebuild.Project.fromProjectName(next, 'Project', 'deploy-card-fraud');
  receiver.onPromoted('Deploy', { target: new targets.CodeBuildProject(project) });
  receiver.metrics.failed().createAlarm(next, 'Failed', { threshold: 1, evaluationPeriods: 1 });
  receiver.metrics.promoted().createAlarm(next, 'Promoted', { threshold: 1, evaluationPeriods: 1 });
  receiver.metrics.undelivered().createAlarm(next, 'Undelivered', { threshold: 1, evaluationPeriods: 1 });
  new Promotion(models, 'Promotion', { registry, to: receiver.eventBus });

  const endpoint = new Stack(app, 'Endpoint', { env: PROD });
  const source = ModelSource.modelPackage({ modelPackageArn: receiver.modelPackageArnIn(endpoint) });
  new sagemaker.CfnModel(endpoint, 'Model', { primaryContainer: { modelPackageName: source._modelPackageArn } });

  const plain = new Stack(app, 'Plain', { env: STAGING });
  new ModelRegistry(plain, 'Registry');
  const mlflow = new MlflowRegistry(plain, 'Mlflow', { registersInSageMaker: true, weeklyMaintenanceStart: 'Tue:03:30' });
  mlflow.grants.use(roleIn(plain, 'Scientist'));
  mlflow.grants.openPages(roleIn(plain, 'Person'));
  const quiet = new Stack(app, 'Quiet', { env: STAGING });
  const held = s3.Bucket.fromBucketName(quiet, 'Held', 'held');
  new MlflowRegistry(quiet, 'Mlflow', { registryName: 'Research', artifacts: { bucket: held } });
  new ModelRegistry(quiet, 'Registry', { artifacts: { bucket: held } }).shareWithAccount(PROD.account);

  const cloud = app.synth();
  endpointTemplate = cloud.getStackByName('Endpoint').template;
  resources = Assembly.fromDirectories({ templates: cloud.directory }).stacks.flatMap((stack) => stack.resources);
  warnings = cloud.stacks.flatMap(({ messages }) =>
    messages.filter(({ level }) => level === 'warning').map(({ entry }) => String(entry.data)),
  );
});

describe('a registry', () => {
  test('is a model package group under its name, kept when it leaves', () => {
    const [group] = all('Models', 'AWS::SageMaker::ModelPackageGroup');
    expect(group.properties).toMatchObject({ ModelPackageGroupName: 'card-fraud', ModelPackageGroupDescription: 'Fraud of card payments' });
    expect([group.deletionPolicy, group.updateReplacePolicy]).toEqual(['Retain', 'Retain']);
    const [bucket] = all('Models', 'AWS::S3::Bucket');
    expect([bucket.deletionPolicy, bucket.updateReplacePolicy]).toEqual(['Retain', 'Retain']);
  });

  test('gets a name in lower case from its path, and no policy unless it is shared', () => {
    const group = one('Plain', 'AWS::SageMaker::ModelPackageGroup');
    expect(group.ModelPackageGroupName).toMatch(/^[a-z0-9](-*[a-z0-9]){0,62}$/);
    expect(group.ModelPackageGroupPolicy).toBeUndefined();
  });

  test('makes a bucket that is private, encrypted, versioned and takes TLS alone', () => {
    expect(one('Models', 'AWS::S3::Bucket')).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      VersioningConfiguration: { Status: 'Enabled' },
    });
    const denials = one('Models', 'AWS::S3::BucketPolicy').PolicyDocument.Statement.filter(({ Effect }: any) => Effect === 'Deny');
    expect(denials.map(({ Condition }: any) => Condition)).toEqual([
      { Bool: { 'aws:SecureTransport': 'false' } },
      { NumericLessThan: { 's3:TlsVersion': 1.2 } },
    ]);
    const byDefault = { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] };
    expect(one('Plain', 'AWS::S3::Bucket', '/Registry/').BucketEncryption).toEqual(byDefault);
  });

  test('is destroyed only with both keys', () => {
    const policies = (context: object) => {
      const app = newApp(context as Record<string, unknown>);
      new ModelRegistry(new Stack(app, 'Models', { env: STAGING }), 'Registry', { removalPolicy: RemovalPolicy.DESTROY });
      const [{ resources: made }] = assemblyOf(app).stacks;
      return made.filter(({ type }) => /Group$|Bucket$/.test(type)).map(({ deletionPolicy }) => deletionPolicy);
    };
    expect(policies({})).toEqual(['Retain', 'Retain']);
    expect(policies({ 'millrace:destroyData': true })).toEqual(['Delete', 'Delete']);
  });

  test('says when another name or description would replace it', () => {
    const assembly = (props: object) => {
      const app = newApp();
      new ModelRegistry(new Stack(app, 'Models', { env: STAGING }), 'Registry', { registryName: 'card-fraud', ...props });
      return assemblyOf(app);
    };
    const step = (props: object) =>
      checkUpdate(assembly({}), assembly(props), StatefulUpdateRules.all()).map(({ severity, code, path: at }) => [severity, code, at]);
    const replaced = [['error', 'Millrace.StatefulReplacement', 'Models/Registry/Resource']];
    expect(step({ registryName: 'card-fraud-2' })).toEqual(replaced);
    expect(step({ description: 'Fraud' })).toEqual(replaced);
    expect(step({})).toEqual([]);
  });

  test.each(['Card', '-card', 'card-', 'a'.repeat(64), 'card_fraud', ''])('refuses the name %j', (registryName) => {
    expect(refusalOf(() => registryIn(STAGING, { registryName }))).toEqual(['Millrace.ModelRegistryInvalid registryName']);
  });

  test('asks for an owner', () => {
    const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-registry-')) });
    new ModelRegistry(new Stack(app, 'Models'), 'Registry');
    expect(codesIn(() => app.synth())).toEqual(['Millrace.CostAllocationMissing']);
  });
});

describe('its grants', () => {
  const READ = ['sagemaker:DescribeModelPackage', 'sagemaker:DescribeModelPackageGroup', 'sagemaker:ListModelPackages'];
  const sorted = (role: string) =>
    statementsOf('Models', role).map(({ Action, Condition, Resource }) => ({ Action: [Action].flat().sort(), Condition, Resource }));
  const Resource = [VERSION, GROUP];
  const statement = (Action: string[], Condition?: object) => ({ Action, Condition, Resource: expect.arrayContaining(Resource) });

  test('let a reader look, and read files with the key', () => {
    expect(sorted('Reader')).toEqual([statement(READ)]);
    const actions = one('Models', 'AWS::IAM::Policy', '/Reader/').PolicyDocument.Statement.flatMap(({ Action }: any) => Action);
    expect(actions).toEqual(expect.arrayContaining(['s3:GetObject', 's3:ListBucket', 'kms:Decrypt']));
    expect(actions).not.toContain('s3:PutObject');
  });

  test('name every action', () => {
    const policies = resources.filter(({ type }) => type === 'AWS::IAM::Policy');
    const statements = policies.flatMap(({ properties }) => properties.PolicyDocument.Statement);
    const wild = statements.flatMap(({ Action }: any) => Action).filter((action: string) => action.includes('*'));
    expect(wild).toEqual([]);
  });

  test('let a trainer register what is not approved yet', () => {
    expect(sorted('Trainer')).toEqual([
      statement(READ),
      statement(['sagemaker:CreateModelPackage'], { StringNotEquals: { 'sagemaker:ModelApprovalStatus': 'Approved' } }),
    ]);
  });

  test('let an approver set the status and nothing else', () => {
    expect(sorted('Approver')).toEqual([
      statement(READ),
      statement(['sagemaker:UpdateModelPackage'], {
        StringEquals: { 'sagemaker:ModelApprovalStatus': ['Approved', 'Rejected', 'PendingManualApproval'] },
      }),
    ]);
  });

  test('let a deployment make a model, also of an imported registry', () => {
    expect(sorted('Deployer')).toEqual([statement(['sagemaker:CreateModel', ...READ])]);
    expect(statementsOf('Next', 'Deployer')).toEqual([expect.objectContaining({ Resource: expect.arrayContaining(Resource) })]);
  });

  test.each(['read', 'register', 'approve', 'deploy'] as const)('refuse to %s for a principal of another account', (verb) => {
    const registry = registryIn();
    const stranger = iam.Role.fromRoleArn(registry, 'Stranger', `arn:aws:iam::${PROD.account}:role/deploy`);
    expect(refusalOf(() => registry.grants[verb](stranger))).toEqual(['Millrace.ModelRegistryGranteeForeign grantee']);
  });
});

describe('a shared registry', () => {
  const AWS = `arn:aws:iam::${PROD.account}:root`;
  const statements = (type: string, policy: string, part = ''): any[] => {
    const properties = one('Models', type, part);
    return (properties[policy] ?? properties).Statement.filter(({ Principal }: any) => Principal?.AWS === AWS);
  };

  test('lets the other account look and make models, and neither register nor approve', () => {
    expect(statements('AWS::SageMaker::ModelPackageGroup', 'ModelPackageGroupPolicy')).toEqual([
      {
        Action: ['sagemaker:DescribeModelPackageGroup', 'sagemaker:ListModelPackages'],
        Effect: 'Allow',
        Principal: { AWS },
        Resource: GROUP,
      },
      {
        Action: ['sagemaker:CreateModel', 'sagemaker:DescribeModelPackage', 'sagemaker:ListModelPackages'],
        Effect: 'Allow',
        Principal: { AWS },
        Resource: VERSION,
      },
    ]);
  });

  test('opens the files, the customer key through S3 alone, and the images', () => {
    expect(statements('AWS::S3::BucketPolicy', 'PolicyDocument').map(({ Action }) => Action)).toEqual(['s3:GetObject', 's3:ListBucket']);
    const shared = one('Models', 'AWS::KMS::Key').KeyPolicy.Statement.filter(({ Principal }: any) => Principal.AWS === AWS);
    expect(shared).toEqual([
      {
        Action: ['kms:Decrypt', 'kms:DescribeKey'],
        Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
        Effect: 'Allow',
        Principal: { AWS },
        Resource: '*',
      },
    ]);
    expect(statements('AWS::ECR::Repository', 'RepositoryPolicyText')).toEqual([
      expect.objectContaining({ Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'] }),
    ]);
  });

  test('warns where a policy is written elsewhere', () => {
    expect(warnings.filter((text) => text.includes('Millrace.ModelSharingElsewhere'))).toEqual([
      expect.stringContaining('bucket Quiet/Held is imported: its own policy has to let account 444455556666 read it'),
    ]);
  });

  test.each(['4444', STAGING.account, '44445555666x'])('refuses the account %s', (account) => {
    expect(refusalOf(() => registryIn().shareWithAccount(account))).toEqual(['Millrace.ModelSharingInvalid accountId']);
  });

  test('refuses files under the key aws/s3, which nobody else can use', () => {
    const stack = new Stack(newApp(), 'Models', { env: STAGING });
    const bucket = new s3.Bucket(stack, 'Bucket', { encryption: s3.BucketEncryption.KMS_MANAGED });
    const registry = new ModelRegistry(stack, 'Registry', { artifacts: { bucket } });
    expect(refusalOf(() => registry.shareWithAccount(PROD.account))).toEqual(['Millrace.ModelArtifactsNotShareable artifacts.bucket']);
  });

  test('refuses settings of a new bucket beside a given one', () => {
    const stack = new Stack(newApp(), 'Models', { env: STAGING });
    const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'models');
    const artifacts = { bucket, encryptionKey: new kms.Key(stack, 'Key'), accessLogsBucket: bucket };
    expect(refusalOf(() => new ModelRegistry(stack, 'Registry', { artifacts }))).toEqual([
      'Millrace.ArtifactStoreInvalid artifacts.encryptionKey',
      'Millrace.ArtifactStoreInvalid artifacts.accessLogsBucket',
    ]);
  });
});

describe('events of a registry', () => {
  const pattern = (part: string) => one('Models', 'AWS::Events::Rule', part).EventPattern;
  const changed = ['ModelApprovalStatus', { exists: false }];

  test('tell of approvals and not of notes on an approved version', () => {
    expect(pattern('/OnApproval/')).toEqual({
      source: ['aws.sagemaker'],
      'detail-type': ['SageMaker Model Package State Change'],
      detail: { ModelPackageGroupName: ['card-fraud'], ModelApprovalStatus: ['Approved'], UpdatedModelPackageFields: changed },
    });
  });

  test('tell of the statuses that were asked for, or of all', () => {
    expect(pattern('/OnDecision/').detail.ModelApprovalStatus).toEqual(['Rejected', 'PendingManualApproval']);
    expect(pattern('/OnAny/').detail).toEqual({ ModelPackageGroupName: ['card-fraud'], UpdatedModelPackageFields: changed });
  });
});

describe('a promotion', () => {
  test('sends approvals to the bus of the next account, with a role for that alone', () => {
    const bus = 'arn:aws:events:eu-west-1:444455556666:event-bus/models-card-fraud';
    const { EventPattern, Targets } = one('Models', 'AWS::Events::Rule', '/Promotion/');
    expect(EventPattern.detail.ModelApprovalStatus).toEqual(['Approved']);
    expect(Targets).toEqual([expect.objectContaining({ Arn: bus, DeadLetterConfig: expect.anything(), RoleArn: expect.anything() })]);
    expect(one('Models', 'AWS::IAM::Policy', '/Promotion/Role').PolicyDocument.Statement).toEqual([
      { Action: 'events:PutEvents', Effect: 'Allow', Resource: bus },
    ]);
    expect(one('Models', 'AWS::IAM::Role', '/Promotion/').AssumeRolePolicyDocument.Statement[0].Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
    });
  });

  test('is taken from the account of the registry alone, and nothing else is', () => {
    expect(one('Next', 'AWS::Events::EventBusPolicy').Statement).toMatchObject({
      Action: 'events:PutEvents',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Condition: { StringEquals: { 'events:source': 'aws.sagemaker', 'events:detail-type': 'SageMaker Model Package State Change' } },
    });
    expect(one('Next', 'AWS::Events::Rule', '/Approved/').EventPattern).toMatchObject({
      account: ['111122223333'],
      region: ['eu-west-1'],
      detail: { ModelPackageGroupName: ['card-fraud'], ModelApprovalStatus: ['Approved'] },
    });
  });

  test('looks at the version, writes it when it is still approved, and then tells of it', () => {
    const { States, StartAt } = JSON.parse(one('Next', 'AWS::StepFunctions::StateMachine').DefinitionString);
    expect(StartAt).toBe('Look');
    expect(States.Look).toMatchObject({
      Resource: 'arn:aws:states:::aws-sdk:sagemaker:describeModelPackage',
      Parameters: { 'ModelPackageName.$': '$.detail.ModelPackageArn' },
      Next: 'StillApproved',
    });
    expect(States['StillApproved']).toMatchObject({
      Choices: [{ Variable: '$.now.Status', StringEquals: 'Approved', Next: 'Write' }],
      Default: 'NoLongerApproved',
    });
    expect(States.Write).toMatchObject({
      Resource: 'arn:aws:states:::aws-sdk:ssm:putParameter',
      Parameters: { Name: '/millrace/models/card-fraud/approved', 'Value.$': '$.detail.ModelPackageArn', Type: 'String', Overwrite: true },
      Next: 'Tell',
    });
    expect(States.Tell.Parameters.Entries).toEqual([
      expect.objectContaining({ Source: 'millrace.models', DetailType: 'Model Version Promoted' }),
    ]);
    for (const name of ['Look', 'Write', 'Tell'])
      expect(States[name].Retry[0]).toMatchObject({ ErrorEquals: ['States.ALL'], MaxAttempts: 5 });
  });

  test('may read that registry, write that parameter and tell on that bus', () => {
    const { Statement } = one('Next', 'AWS::IAM::Policy', '/Steps/Resource/Role').PolicyDocument;
    const resourceOf = (action: string) => Statement.find(({ Action }: any) => [Action].flat().includes(action))?.Resource;
    expect(resourceOf('sagemaker:DescribeModelPackage')).toBe(VERSION);
    expect(resourceOf('ssm:PutParameter')).toBe('arn:aws:ssm:eu-west-1:444455556666:parameter/millrace/models/card-fraud/approved');
    expect(resourceOf('events:PutEvents')).toMatch(/^<NextReceiver|^<Receiver/);
  });

  test('starts what deploys once the parameter is written', () => {
    expect(one('Next', 'AWS::Events::Rule', '/Deploy/')).toMatchObject({
      EventPattern: {
        source: ['millrace.models'],
        'detail-type': ['Model Version Promoted'],
        detail: { ParameterName: ['/millrace/models/card-fraud/approved'] },
      },
      EventBusName: expect.stringContaining('Receiver'),
      Targets: [expect.objectContaining({ Arn: expect.stringContaining('project/deploy-card-fraud') })],
    });
  });

  test('is read by CloudFormation at each deployment of the endpoint, and no stack holds the parameter', () => {
    const parameters = Object.entries<any>(endpointTemplate.Parameters).filter(
      ([name, { Type }]) => Type === 'AWS::SSM::Parameter::Value<String>' && name !== 'BootstrapVersion',
    );
    expect(parameters.map(([, { Default }]) => Default)).toEqual(['/millrace/models/card-fraud/approved']);
    expect(one('Endpoint', 'AWS::SageMaker::Model').PrimaryContainer).toEqual({ ModelPackageName: `<${parameters[0][0]}>` });
    expect(resources.filter(({ type }) => type === 'AWS::SSM::Parameter')).toEqual([]);
  });

  test('is refused to an endpoint in the stack of the receiver, which would wait for itself', () => {
    const stack = new Stack(newApp(), 'Next', { env: PROD });
    const registry = ModelRegistry.fromModelRegistryAttributes(stack, 'Registry', { registryArn: GROUP });
    const receiver = new PromotionReceiver(stack, 'Receiver', { registry });
    expect(refusalOf(() => receiver.modelPackageArnIn(stack))).toEqual(['Millrace.PromotionSameStack scope']);
  });

  test('is refused away from the registry, where SageMaker tells nothing', () => {
    const stack = new Stack(newApp(), 'Next', { env: PROD });
    const registry = ModelRegistry.fromModelRegistryAttributes(stack, 'Registry', { registryArn: GROUP });
    const to = new PromotionReceiver(stack, 'Receiver', { registry }).eventBus;
    expect(refusalOf(() => new Promotion(stack, 'Promotion', { registry, to }))).toEqual(['Millrace.PromotionInvalid registry']);
  });

  test.each([
    [{ parameterName: 'approved' }, 'Millrace.PromotionInvalid parameterName'],
    [{ parameterName: '/aws/models' }, 'Millrace.PromotionInvalid parameterName'],
    [{ eventBusName: 'default' }, 'Millrace.PromotionInvalid eventBusName'],
    [{ eventBusName: 'a bus' }, 'Millrace.PromotionInvalid eventBusName'],
  ])('refuses %j', (props, refusal) => {
    const stack = new Stack(newApp(), 'Next', { env: PROD });
    const registry = ModelRegistry.fromModelRegistryAttributes(stack, 'Registry', { registryArn: GROUP });
    expect(refusalOf(() => new PromotionReceiver(stack, 'Receiver', { registry, ...props }))).toEqual([refusal]);
  });

  test('is refused from an account that is not known', () => {
    const registry = registryIn({ region: 'eu-west-1' });
    expect(refusalOf(() => new PromotionReceiver(Stack.of(registry), 'Receiver', { registry }))).toEqual([
      'Millrace.TokenRefused registry',
    ]);
  });
});

describe('an imported registry', () => {
  test('is known by the ARN of its group', () => {
    const stack = new Stack(newApp(), 'Next', { env: PROD });
    const registry = ModelRegistry.fromModelRegistryAttributes(stack, 'Registry', { registryArn: GROUP });
    expect([registry.registryName, registry.env]).toEqual(['card-fraud', { account: '111122223333', region: 'eu-west-1' }]);
    const version = GROUP.replace('-group', '') + '/1';
    expect(refusalOf(() => ModelRegistry.fromModelRegistryAttributes(stack, 'Version', { registryArn: version }))).toEqual([
      'Millrace.ModelRegistryInvalid registryArn',
    ]);
  });
});

describe('MLflow on SageMaker', () => {
  test('is an app with a bucket, kept when it leaves', () => {
    const [app] = all('Plain', 'AWS::SageMaker::MlflowApp');
    expect([app.deletionPolicy, app.updateReplacePolicy]).toEqual(['Retain', 'Retain']);
    expect(app.properties).toMatchObject({
      ModelRegistrationMode: 'AutoModelRegistrationEnabled',
      WeeklyMaintenanceWindowStart: 'Tue:03:30',
    });
    expect(one('Quiet', 'AWS::SageMaker::MlflowApp')).toMatchObject({
      Name: 'Research',
      ArtifactStoreUri: 's3://held/mlflow',
      ModelRegistrationMode: 'AutoModelRegistrationDisabled',
    });
  });

  test('keeps the role without which it is no use', () => {
    const kept = ['AWS::IAM::Role', 'AWS::IAM::Policy'].flatMap((type) =>
      all('Plain', type).filter((each) => each.path.includes('/Mlflow/')),
    );
    expect(kept.map(({ deletionPolicy }) => deletionPolicy)).toEqual(['Retain', 'Retain']);
  });

  test('registers versions and approves none', () => {
    const groups = expect.arrayContaining([
      'arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/*',
      'arn:aws:sagemaker:eu-west-1:111122223333:model-package/*',
    ]);
    expect(statementsOf('Plain', 'Mlflow/Role')).toEqual([
      expect.objectContaining({
        Action: ['sagemaker:AddTags', 'sagemaker:CreateModelPackageGroup', 'sagemaker:DescribeModelPackageGroup'],
        Resource: groups,
      }),
      expect.objectContaining({
        Action: ['sagemaker:CreateModelPackage', 'sagemaker:UpdateModelPackage'],
        Condition: { StringNotEquals: { 'sagemaker:ModelApprovalStatus': 'Approved' } },
        Resource: groups,
      }),
    ]);
    expect(statementsOf('Quiet', 'Mlflow/Role')).toEqual([]);
  });

  test('is called by those it is granted to, and its pages are opened by others', () => {
    const [use] = statementsOf('Plain', 'Scientist');
    expect(use).toMatchObject({
      Action: ['sagemaker:CallMlflowAppApi', 'sagemaker:DescribeMlflowApp'],
      Resource: expect.stringMatching(/^<Mlflow.*\.Arn>$/),
    });
    expect(statementsOf('Plain', 'Person')[0].Action).toEqual(['sagemaker:CreatePresignedMlflowAppUrl', 'sagemaker:DescribeMlflowApp']);
  });

  test('says when another name would replace it', () => {
    const assembly = (registryName: string) => {
      const app = newApp();
      new MlflowRegistry(new Stack(app, 'Models', { env: STAGING }), 'Mlflow', { registryName });
      return assemblyOf(app);
    };
    const findings = checkUpdate(assembly('research'), assembly('research-2'), StatefulUpdateRules.all());
    expect(findings.map(({ severity, code }) => [severity, code])).toEqual([['error', 'Millrace.StatefulReplacement']]);
  });

  test.each([
    [{ registryName: 'no_underscore' }, 'registryName'],
    [{ weeklyMaintenanceStart: 'Tuesday 3:30' }, 'weeklyMaintenanceStart'],
  ])('refuses %j', (props, subject) => {
    const stack = new Stack(newApp(), 'Models', { env: STAGING });
    expect(refusalOf(() => new MlflowRegistry(stack, 'Mlflow', props))).toEqual([`Millrace.MlflowRegistryInvalid ${subject}`]);
  });
});
