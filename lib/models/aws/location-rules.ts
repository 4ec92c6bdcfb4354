import { enforce } from '../../core/rule';
import type { StorageLocation } from './storage-location';

const PREFIX = /^[^\s/*?]+(\/[^\s/*?]+)*$/;

/** Refuses a prefix that would widen or miss what is granted. */
export function checkLocation(where: string, location: StorageLocation | undefined): void {
  enforce(where, { location }, [
    {
      code: 'Millrace.TrainingLocationInvalid',
      subject: 'prefix',
      value: (input) => input.location?.prefix,
      valid: (given: string) => PREFIX.test(given),
      allowed: 'a key prefix without a slash at either end, spaces or wildcards: fraud/models',
      fix: 'name the folder: the job is let into it alone',
      tokens: 'refuse',
    },
  ]);
}

/** The URI of a place. */
export function uriOf({ bucket, prefix }: StorageLocation): string {
  return `s3://${bucket.bucketName}/${prefix}`;
}

/**
 * A folder of one execution below a place: what another execution left there would be read together with its own, and a training would go on
 * from checkpoints that are done.
 */
export function executionUriOf(location: StorageLocation, ...folders: readonly string[]): Record<string, unknown> {
  return { 'Std:Join': { On: '/', Values: [uriOf(location), { Get: 'Execution.PipelineExecutionId' }, ...folders] } };
}
