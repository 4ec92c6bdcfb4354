import { Aws, Fn, Token } from 'aws-cdk-lib';
import { type Rule } from '../../core/rule';
import { type ModelSource, ModelSourceKind } from '../../models/model-source';

const ECR_IMAGE = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)[:@]/;

/** What SageMaker can serve. */
export function modelSourceRules(subject = 'model'): readonly Rule<ModelSource>[] {
  return [
    {
      code: 'Millrace.ModelSourceUnsupported',
      subject,
      value: (source) => source.kind,
      valid: (kind: ModelSourceKind) => kind !== ModelSourceKind.FORMAT,
      allowed: 'a container or a model package: SageMaker has no serving runtimes',
      fix: 'use ModelSource.container with an image that serves the format, or inference.k8s.ModelEndpoint',
    },
    {
      code: 'Millrace.ModelSourceUnsupported',
      subject: `${subject} image`,
      value: ({ _image }) => _image,
      valid: (image: string) => ECR_IMAGE.test(image),
      allowed: 'an image in ECR: <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>',
      fix: 'copy the image to ECR, in the region of the endpoint',
    },
    {
      code: 'Millrace.ModelSourceUnsupported',
      subject: `${subject} modelUri`,
      // A list, so that a URI is looked at of which a part only is known at deploy time.
      value: ({ kind, _modelUri }) => (kind === ModelSourceKind.CONTAINER && _modelUri ? { uri: _modelUri } : undefined),
      valid: ({ uri }: { uri: string }) => uri.startsWith('s3://') && /(\/|\.tar\.gz)$/.test(uri) && uri.slice(5).includes('/'),
      allowed: 's3://bucket/prefix/ with a / at its end, or s3://bucket/key.tar.gz',
      fix: 'put the files below a prefix of their own',
    },
  ];
}

/** Whether the files of a model lie in one archive. */
export function isArchive(source: ModelSource): boolean {
  return source._modelUri?.endsWith('.tar.gz') ?? false;
}

/** ARN of the ECR repository of an image, also of one that is known only at deploy time and then lies in the given region. */
export function repositoryArn(image: string, ownRegion: string): string {
  const known = ECR_IMAGE.exec(image);
  if (known && !Token.isUnresolved(image)) {
    const [, account, region, repository] = known;
    return `arn:${Aws.PARTITION}:ecr:${region}:${account}:repository/${repository}`;
  }
  const registry = Fn.split('.', image);
  const path = Fn.select(1, Fn.split(ownRegion.startsWith('cn-') ? '.amazonaws.com.cn/' : '.amazonaws.com/', image));
  const repository = Fn.select(0, Fn.split('@', Fn.select(0, Fn.split(':', path))));
  return Fn.join('', [`arn:${Aws.PARTITION}:ecr:`, Fn.select(3, registry), ':', Fn.select(0, registry), ':repository/', repository]);
}

/** ARN of the bucket and key, or beginning of keys, of an `s3://` URI. */
export function bucketAndKey(uri: string): { bucketArn: string; key: string } {
  const [bucket, ...key] = uri.slice('s3://'.length).split('/');
  return { bucketArn: `arn:${Aws.PARTITION}:s3:::${bucket}`, key: key.join('/') };
}
