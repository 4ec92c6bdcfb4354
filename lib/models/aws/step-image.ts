import { Arn, ArnFormat, type Stack } from 'aws-cdk-lib';
import type * as ecr from 'aws-cdk-lib/aws-ecr';
import { enforce } from '../../core/rule';

const ECR_URI = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)[:@].+$/;

/** The container of a step; SageMaker takes images from ECR alone. */
export class StepImage {
  /**
   * An image by its URI, for example one that AWS makes.
   *
   * @param uri `<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>`; no `latest`.
   * @throws Millrace.TrainingImageInvalid, Millrace.TokenRefused
   */
  public static fromUri(uri: string): StepImage {
    enforce('StepImage.fromUri', { uri }, [
      {
        code: 'Millrace.TrainingImageInvalid',
        subject: 'uri',
        value: (input) => input.uri,
        valid: (given: string) => ECR_URI.test(given) && !given.endsWith(':latest'),
        allowed: 'an image of ECR with a tag other than latest, or a digest: <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>',
        fix: 'name the version that was tested; for a repository of this app use StepImage.fromRepository',
        tokens: 'refuse',
      },
    ]);
    return new StepImage(uri);
  }

  /**
   * An image of a repository.
   *
   * @param repository The repository.
   * @param tagOrDigest Tag other than `latest`, or a digest that begins with `sha256:`.
   * @throws Millrace.TrainingImageInvalid
   */
  public static fromRepository(repository: ecr.IRepository, tagOrDigest: string): StepImage {
    enforce('StepImage.fromRepository', { tagOrDigest }, [
      {
        code: 'Millrace.TrainingImageInvalid',
        subject: 'tagOrDigest',
        value: (input) => input.tagOrDigest,
        valid: (given: string) => given !== '' && given !== 'latest',
        allowed: 'a tag other than latest, or a digest',
        fix: 'name the version that was tested',
      },
    ]);
    return new StepImage(repository.repositoryUriForTagOrDigest(tagOrDigest), repository);
  }

  private constructor(
    /** URI of the image. */
    public readonly imageUri: string,
    private readonly repository?: ecr.IRepository,
  ) {}

  /**
   * ARN of the repository that the jobs pull from.
   * @internal
   */
  public _repositoryArn(stack: Stack): string {
    if (this.repository) return this.repository.repositoryArn;
    const [, account, region, resourceName] = ECR_URI.exec(this.imageUri)!;
    return Arn.format(
      { service: 'ecr', resource: 'repository', account, region, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME },
      stack,
    );
  }
}
