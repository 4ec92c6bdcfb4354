import * as fs from 'fs';
import { refuse } from '../core/error';
import { type ProfileFile, containerOf, formatProfile, mergeProfiles, parseProfile } from './profile-file';
import type { Recommendation } from './recommendation';

/**
 * How much the containers of a namespace or an app used, block by block, with the recommendation that follows from it. It is a file that
 * `millrace usage pull` and `millrace usage recommend` write, that is committed, and that synth reads.
 */
export class Profile {
  /**
   * Reads a profile file.
   *
   * @throws Millrace.ProfileUnreadable, Millrace.ProfileVersionUnknown, Millrace.ProfileInvalid
   */
  public static fromFile(path: string): Profile {
    let text: string;
    try {
      text = fs.readFileSync(path, 'utf8');
    } catch (error) {
      return refuse('Profile.fromFile', {
        code: 'Millrace.ProfileUnreadable',
        subject: path,
        received: (error as Error).message,
        allowed: 'a profile file',
        fix: 'write one with millrace usage pull, or correct the path; it is relative to the folder synth runs in',
      });
    }
    return new Profile(parseProfile(path, text));
  }

  /**
   * Reads the text of a profile file.
   *
   * @throws Millrace.ProfileVersionUnknown, Millrace.ProfileInvalid
   */
  public static fromJson(text: string): Profile {
    return new Profile(parseProfile('Profile.fromJson', text));
  }

  /** Name of the namespace or app. */
  public readonly name: string;
  /** The containers as `workload/container`, sorted. */
  public readonly containers: string[];
  private readonly file: ProfileFile;

  private constructor(file: ProfileFile) {
    this.file = file;
    this.name = file.name;
    this.containers = [...file.containers.keys()].sort();
  }

  /**
   * The recommendation of a container, named as `workload/container`.
   *
   * @throws Millrace.ProfileContainerUnknown, Millrace.RecommendationMissing
   */
  public recommendation(container: string): Recommendation {
    const entry = containerOf(this.file, container);
    return (
      entry.recommendation ??
      refuse(`profile ${this.name}`, {
        code: 'Millrace.RecommendationMissing',
        subject: 'container',
        received: `${container} without a recommendation`,
        allowed: 'a profile that holds the recommendation, because synth never recomputes it',
        fix: 'run millrace usage recommend and commit the file',
      })
    );
  }

  /**
   * This profile and another one of the same name, interval and block length: the blocks of a container add up, so the two must not hold
   * the same samples. The order of merges does not matter.
   *
   * @throws Millrace.ProfilesDiffer
   */
  public merge(other: Profile): Profile {
    return new Profile(mergeProfiles(this.file, other.file));
  }

  /** The text of the profile file: two equal profiles are equal texts. */
  public toJson(): string {
    return formatProfile(this.file);
  }
}
