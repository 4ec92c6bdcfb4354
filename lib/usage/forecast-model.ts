import { type Candidate, candidatesFor } from './forecast-candidates';
import { medianOf, type Seasonality, seasonalityOf } from './seasonality';

/** Forecasts made at one moment of the past, with nothing but what was known then, beside what came. */
export interface Fold {
  readonly origin: number;
  readonly forecast: Float64Array;
}

/** A combination of candidates, chosen by how they would have done on the history. */
export interface FittedModel {
  readonly seasonality: Seasonality;
  /** Steps ahead that the back-test reaches. */
  readonly tested: number;
  readonly folds: readonly Fold[];
  /** Expected values from the end of the history on. */
  readonly path: Float64Array;
  /** Candidates with their share in the forecast, averaged over the tested horizon, largest first. */
  readonly shares: readonly { readonly name: string; readonly share: number }[];
  /** Whether a straight trend has proven itself, so that it goes on beyond the tested horizon. */
  readonly trending: boolean;
}

/** Moments of the past at which the forecast is repeated. */
const MAX_FOLDS = 24;
/** A longer look ahead costs time and has too few folds to say anything more. */
const MAX_TESTED = 400;
/** Seasons of history that are used: what is older says little about the next one. */
const MAX_SEASONS = 12;
const MAX_HISTORY = 1500;
/** A candidate that errs more than this times the best one has no share; the others share by the inverse of their error to a power. */
const SHARE_LIMIT = 1.2;
const SHARE_POWER = 4;
/** An error of this many typical ones counts as that many when candidates are compared. */
const DISASTER = 5;
/** A straight trend is believed beyond the tested horizon when it errs at most this share of the best flat candidate. */
const TREND_PROOF = 0.8;

/** Horizons are judged in bands that double: 1, 2, 3-4, 5-8, … steps ahead. Returns their ends. */
export function bandsOf(tested: number): number[] {
  const ends: number[] = [];
  for (let end = 1; end < tested; end *= 2) ends.push(end);
  return [...ends, tested];
}

/** Position of a horizon between the middles of bands, on log scale: the band below, and the weight of the one above. */
export function bandPosition(ends: readonly number[], ahead: number): { band: number; next: number } {
  const middle = (band: number) => (band === 0 ? 1 : (ends[band - 1] + 1 + ends[band]) / 2);
  let band = 0;
  while (band < ends.length - 1 && middle(band + 1) <= ahead) band += 1;
  if (band === ends.length - 1 || ahead <= 1) return { band, next: 0 };
  return { band, next: Math.log(ahead / middle(band)) / Math.log(middle(band + 1) / middle(band)) };
}

export function recentHistory(values: readonly number[], intervalMs: number): readonly number[] {
  const { longest } = seasonalityOf(values.length, intervalMs);
  const kept = Math.max(MAX_HISTORY, MAX_SEASONS * longest);
  return values.length > kept ? values.slice(values.length - kept) : values;
}

/** `grows`: a counter that never falls keeps its trend, however hard the noise makes it to prove. */
export function fitModel(values: readonly number[], intervalMs: number, startMs: number, length: number, grows: boolean): FittedModel {
  const seasonality = seasonalityOf(values.length, intervalMs);
  const { longest } = seasonality;
  const count = values.length;
  const tested = Math.max(1, Math.min(length, Math.floor(count / 3), Math.max(MAX_TESTED, 2 * longest)));
  const first = Math.min(count - 1, Math.max(2 * longest, Math.ceil(count / 4), 2));
  const origins = originsOf(values, first);
  const lengths = origins.map((origin) => Math.min(tested, count - origin));
  const phase = phaseOf(startMs, intervalMs, longest);
  const positive = values.every((value) => !(value <= 0));
  const candidates = candidatesFor(seasonality, phase, positive);
  const paths = candidates.map((candidate) => candidate.paths(values, origins, lengths));
  const ends = bandsOf(tested);
  const errors = paths.map((path) => origins.map((origin, fold) => bandErrors(path[fold], values, origin, ends)));
  const prior = candidates.map((candidate) => (candidate.prior ? 1 / candidates.filter((other) => other.prior).length : 0));
  const sharesAt = (fold: number, now: number) => bandShares({ errors, origins, ends, prior, fold, now });
  const folds = origins.map((origin, fold) => {
    const shares = sharesAt(fold, origin);
    return {
      origin,
      forecast: combine(
        paths.map((path) => path[fold]),
        shares,
        ends,
        lengths[fold],
      ),
    };
  });
  const last = origins.length;
  const shares = sharesAt(last, count);
  const trending = grows || trendProven(candidates, scoresOf({ errors, origins, ends, prior, fold: last, now: count }, ends.length - 1));
  // Those without a share need no path: the horizon may be long.
  const finals = candidates.map((candidate, index) => {
    if (shares.every((band) => band[index] === 0)) return new Float64Array(0);
    const [path] = candidate.paths(values, [count], [length]);
    return candidate.trend === 'linear' && !trending ? heldAfter(path, tested, longest) : path;
  });
  return {
    seasonality,
    tested,
    folds,
    path: combine(finals, shares, ends, length),
    shares: candidates
      .map(({ name }, index) => ({ name, share: shares.reduce((sum, band) => sum + band[index], 0) / shares.length }))
      .filter(({ share }) => share > 0.005)
      .sort((a, b) => b.share - a.share),
    trending,
  };
}

/** Evenly spread, the last one a step before the end. The first steps of a series that begins with gaps are no place to forecast from. */
function originsOf(values: readonly number[], first: number): number[] {
  const known = values.findIndex((value) => !Number.isNaN(value)) + 1;
  const from = Math.max(first, known);
  const count = Math.max(1, Math.min(MAX_FOLDS, values.length - from));
  const spacing = (values.length - from) / count;
  return Array.from({ length: count }, (_, fold) => Math.floor(values.length - (count - fold) * spacing)).filter(
    (origin) => origin >= known,
  );
}

/** Days begin at midnight UTC, so that the profile of a weekday is that of one day and not of two halves. */
function phaseOf(startMs: number, intervalMs: number, longest: number): number {
  const phase = Math.round(startMs / intervalMs) % longest;
  return phase < 0 ? phase + longest : phase;
}

/** Mean absolute error of a path in each band; NaN in a band that the history does not reach through. */
function bandErrors(path: Float64Array, values: readonly number[], origin: number, ends: readonly number[]): Float64Array {
  return Float64Array.from(ends, (end, band) => {
    if (origin + end > values.length) return NaN;
    let sum = 0;
    let known = 0;
    for (let ahead = band === 0 ? 0 : ends[band - 1]; ahead < end; ahead++) {
      const error = Math.abs(values[origin + ahead] - path[ahead]);
      if (Number.isNaN(error)) continue;
      sum += error;
      known += 1;
    }
    return known === 0 ? NaN : sum / known;
  });
}

/** What is known of the candidates at the step `now`, before the fold `fold`. */
interface TrackRecord {
  readonly errors: readonly Float64Array[][];
  readonly origins: readonly number[];
  readonly ends: readonly number[];
  readonly prior: readonly number[];
  readonly fold: number;
  readonly now: number;
}

/** Error of each candidate in a band over the folds whose outcome was known; recent folds count more, and a disaster counts little. */
function scoresOf({ errors, origins, ends, fold, now }: TrackRecord, band: number): number[] {
  const weights = origins.slice(0, fold).map((origin) => (origin + ends[band] > now ? 0 : 0.5 ** ((2 * (now - origin)) / now)));
  // An outlier or a new level is missed by all candidates alike; taken whole it would hide how they differ everywhere else.
  const typical = weights.map((weight, past) => (weight > 0 ? medianOf(errors.map((byFold) => byFold[past][band])) : NaN));
  const limit = DISASTER * medianOf(typical) || Infinity;
  return errors.map((byFold) => {
    let sum = 0;
    let total = 0;
    weights.forEach((weight, past) => {
      const error = byFold[past][band];
      if (weight === 0 || Number.isNaN(error)) return;
      sum += weight * Math.min(error, limit);
      total += weight;
    });
    return total === 0 ? NaN : sum / total;
  });
}

/** Shares of the candidates by band. A band is judged together with its neighbours: one alone has few independent folds. */
function bandShares(record: TrackRecord): number[][] {
  const { ends, prior } = record;
  const scores = ends.map((_, band) => scoresOf(record, band));
  const known = scores.filter((score) => !score.some(Number.isNaN)).length;
  if (known === 0) return ends.map(() => [...prior]);
  const judged = ends.slice(0, known).map((_, band) => {
    const neighbours = [band - 1, band, band, band + 1].filter((near) => near >= 0 && near < known);
    const score = prior.map((__, index) => neighbours.reduce((sum, near) => sum + scores[near][index], 0));
    const best = Math.min(...score);
    // Where nothing errs, as on a constant, the simplest one is enough.
    if (best === 0) return score.map((_value, index) => (index === score.indexOf(0) ? 1 : 0));
    const raw = score.map((value) => (value <= best * SHARE_LIMIT ? (best / value) ** SHARE_POWER : 0));
    const total = raw.reduce((sum, value) => sum + value, 0);
    return raw.map((value) => value / total);
  });
  // What did best for a few steps may be poor for many: where nothing is known it shares with the prior.
  const beyond = judged[known - 1].map((share, index) => (share + prior[index]) / 2);
  return ends.map((_, band) => judged[band] ?? beyond);
}

function combine(paths: readonly Float64Array[], shares: readonly number[][], ends: readonly number[], length: number): Float64Array {
  const combined = new Float64Array(length);
  const positions = Array.from({ length: Math.min(length, ends[ends.length - 1]) }, (_, ahead) => bandPosition(ends, ahead + 1));
  paths.forEach((path, index) => {
    if (shares.every((band) => band[index] === 0)) return;
    for (let ahead = 0; ahead < length; ahead++) {
      const { band, next } = positions[Math.min(ahead, positions.length - 1)];
      const share = shares[band][index] * (1 - next) + (next > 0 ? shares[band + 1][index] * next : 0);
      combined[ahead] += share * path[ahead];
    }
  });
  return combined;
}

function trendProven(candidates: readonly Candidate[], scores: readonly number[]): boolean {
  const best = (straight: boolean) =>
    Math.min(...scores.filter((score, index) => !Number.isNaN(score) && (candidates[index].trend === 'linear') === straight));
  return best(true) < best(false) * TREND_PROOF;
}

/** The path with its last season repeated from `end` on: the trend stops there. */
function heldAfter(path: Float64Array, end: number, season: number): Float64Array {
  const period = Math.min(season, end);
  return path.map((value, ahead) => (ahead < end ? value : path[end - period + ((ahead - end) % period)]));
}
