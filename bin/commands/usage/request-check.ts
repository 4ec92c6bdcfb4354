import type { ProfileContainer } from '../../../lib/usage/profile-file';
import { requestNow } from './profile-files';
import { cellText } from './table';

/** How far a request may lie from its recommendation, as shares of it. */
export interface Band {
  readonly cpu: readonly [least: number, most: number];
  /** Less memory than recommended ends in a kill, so that the band begins at it. */
  readonly memory: readonly [least: number, most: number];
}

/** One request that `--check` does not let through. */
export interface RequestFinding {
  readonly code: string;
  readonly file: string;
  readonly container: string;
  readonly resource?: string;
  readonly request?: number;
  readonly recommended?: number;
  /** How far off, as a share of the recommendation: 0.4 is 40 % too much. */
  readonly off?: number;
  readonly message: string;
  readonly fix: string;
}

/** A band of some percent to both sides for CPU, above only for memory. */
export function bandOf(percent: number): Band {
  return { cpu: [1 - percent / 100, 1 + percent / 100], memory: [1, 1 + percent / 100] };
}

/** Holds the requests that were measured last against the committed recommendation. */
export function checkRequests(file: string, name: string, container: ProfileContainer, band: Band): RequestFinding[] {
  const { recommendation } = container;
  if (!recommendation) {
    return [
      {
        code: 'Millrace.RecommendationMissing',
        file,
        container: name,
        message: 'no recommendation is committed',
        fix: 'run millrace usage recommend and commit the file',
      },
    ];
  }
  const resources = [
    { resource: 'cpu', kind: 'millicores', recommended: recommendation.cpuMillis },
    { resource: 'memory', kind: 'mebibytes', recommended: recommendation.memoryMib },
  ] as const;
  return resources.flatMap(({ resource, kind, recommended }) => {
    const request = requestNow(container, resource);
    if (request === undefined) return [];
    const [least, most] = band[resource];
    const share = request / recommended;
    // A share such as 1.15 has no exact form in binary.
    if (share >= least - 1e-9 && share <= most + 1e-9) return [];
    const percent = Math.abs(share - 1) * 100;
    const off = percent < 10 ? Math.round(percent * 10) / 10 : Math.round(percent);
    // Whole numbers inside of the band: what is printed is let through.
    const bounds = [Math.ceil(least * recommended - 1e-6), Math.floor(most * recommended + 1e-6)]
      .map((bound) => cellText(bound, kind))
      .join(' to ');
    return [
      {
        code: 'Millrace.RequestOutsideBand',
        file,
        container: name,
        resource,
        request,
        recommended,
        off: Math.round((share - 1) * 1000) / 1000,
        message: `${resource} request ${cellText(request, kind)} is ${off} % ${share > 1 ? 'above' : 'below'} the recommended ${cellText(recommended, kind)}; allowed: ${bounds}`,
        fix: 'deploy the recommendation, or run millrace usage recommend and review the change',
      },
    ];
  });
}
