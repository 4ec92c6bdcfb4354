// What repeats in a series: the seasons its interval and length allow, and robust estimates of them. All functions look back only.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** A season that a model can learn: step `t` falls into slot `floor((t + phase) / stride) % slots`. */
export interface Season {
  readonly slots: number;
  readonly stride: number;
  readonly phase: number;
}

/** The seasons that a series can show. */
export interface Seasonality {
  /** Steps a day, where a day is a season of this series. */
  readonly daily?: number;
  /** Steps a week, where a week is a season of this series. */
  readonly weekly?: number;
  /** Steps of the longest season; 1 without any. */
  readonly longest: number;
  /** The seasons in words, and why there are not more. */
  readonly reason: string;
  /** Seasons that the interval could show and the history is too short for, in words. */
  readonly short?: string;
}

/** Two whole seasons to learn from and one to check against: fewer cannot tell a season from a coincidence. */
const SEASONS_NEEDED = 3;

export function seasonalityOf(length: number, intervalMs: number): Seasonality {
  const stepsOf = (ms: number) => (ms % intervalMs === 0 && ms / intervalMs >= 2 ? ms / intervalMs : undefined);
  const candidates = { daily: stepsOf(DAY), weekly: stepsOf(WEEK) };
  const long = (steps?: number) => (steps !== undefined && length >= SEASONS_NEEDED * steps ? steps : undefined);
  const [daily, weekly] = [long(candidates.daily), long(candidates.weekly)];
  const words = (['daily', 'weekly'] as const).map((name) => {
    const steps = candidates[name];
    if (steps === undefined) return `no ${name} season: the interval does not divide it at least in two`;
    if (length >= SEASONS_NEEDED * steps) return `a ${name} season of ${steps} steps`;
    return `no ${name} season: ${length} steps are less than ${SEASONS_NEEDED} x ${steps}`;
  });
  const short = words.filter((_, index) => [candidates.daily, candidates.weekly][index] !== [daily, weekly][index]);
  return { daily, weekly, longest: weekly ?? daily ?? 1, reason: words.join('; '), short: short.join('; ') || undefined };
}

/** The sets of seasons worth trying, from none to all. With a day inside the week, the week is also seven days that differ in level. */
export function seasonSets({ daily, weekly }: Seasonality, phase: number): { name: string; seasons: Season[] }[] {
  const sets: { name: string; seasons: Season[] }[] = [{ name: 'no season', seasons: [] }];
  const ofDay = daily && { slots: daily, stride: 1, phase };
  if (ofDay) sets.push({ name: 'daily season', seasons: [ofDay] });
  if (ofDay && weekly) sets.push({ name: 'daily and weekly season', seasons: [ofDay, { slots: 7, stride: ofDay.slots, phase }] });
  if (weekly) sets.push({ name: daily ? 'hour-of-week season' : 'weekly season', seasons: [{ slots: weekly, stride: 1, phase }] });
  return sets;
}

export function slotOf({ slots, stride, phase }: Season, step: number): number {
  return Math.floor((step + phase) / stride) % slots;
}

/** The value below which `share` of the sorted values lie, interpolated; NaN of none. */
export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return NaN;
  const position = Math.min(Math.max(share, 0), 1) * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/** The median of the values that are not gaps; NaN of none. */
export function medianOf(values: readonly number[]): number {
  // Typed arrays sort numbers natively, NaN last; this is where most of the time goes.
  const sorted = Float64Array.from(values).sort();
  let known = sorted.length;
  while (known > 0 && Number.isNaN(sorted[known - 1])) known -= 1;
  return quantileOfSorted(sorted.subarray(0, known), 0.5);
}

export function meanOf(values: readonly number[]): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? NaN : sum / count;
}

/** Pairs looked at for one slope: more of them cost time and change the median no longer. */
const SLOPE_PAIRS = 3000;

/**
 * Growth a step: the median slope over pairs that lie whole seasons apart (Theil-Sen in the seasonal form of Hirsch, Slack and Smith
 * 1982), so that neither a season nor less than about 29 % of outliers bend it. 0 when there is no such pair.
 */
export function seasonalSlope(values: readonly number[], start: number, end: number, period: number): number {
  const cycles = Math.floor((end - start - 1) / period);
  const stride = Math.max(1, Math.ceil(((end - start) * cycles) / 2 / SLOPE_PAIRS));
  const slopes: number[] = [];
  let offset = 0;
  for (let distance = 1; distance <= cycles; distance++) {
    const gap = distance * period;
    let step = start + offset;
    for (; step + gap < end; step += stride) {
      const slope = (values[step + gap] - values[step]) / gap;
      if (!Number.isNaN(slope)) slopes.push(slope);
    }
    // Every stride-th pair over all distances, not the first ones of each.
    offset = step - (end - gap);
  }
  return slopes.length === 0 ? 0 : quantileOfSorted(Float64Array.from(slopes).sort(), 0.5);
}

/**
 * Typical departures from the level by slot, one array a season. A profile is drawn towards no departure at all by the share of it that
 * the noise within the slots explains (James-Stein).
 */
export function seasonalProfile(
  departures: readonly number[],
  start: number,
  seasons: readonly Season[],
  middle: (values: number[]) => number,
): Float64Array[] {
  const rest = [...departures];
  return seasons.map((season) => {
    const bySlot: number[][] = Array.from({ length: season.slots }, () => []);
    rest.forEach((value, index) => {
      if (!Number.isNaN(value)) bySlot[slotOf(season, start + index)].push(value);
    });
    const profile = Float64Array.from(bySlot, (slot) => (slot.length === 0 ? 0 : middle(slot)));
    const kept = signalShare(bySlot, profile, season.stride);
    profile.forEach((value, slot) => (profile[slot] = value * kept));
    rest.forEach((value, index) => (rest[index] = value - profile[slotOf(season, start + index)]));
    return profile;
  });
}

/** Share of a profile that is no noise; half where no slot was seen twice, so that nobody knows. */
function signalShare(bySlot: readonly number[][], profile: Float64Array, stride: number): number {
  let [within, between, count] = [0, 0, 0];
  bySlot.forEach((slot, index) => {
    between += Math.abs(profile[index]) * slot.length;
    for (const value of slot) within += Math.abs(value - profile[index]);
    count += slot.length;
  });
  const repeats = count / profile.length / stride;
  if (repeats <= 1.5 || between === 0) return 0.5;
  return Math.max(0, 1 - (within / between) ** 2 / (repeats - 1));
}
