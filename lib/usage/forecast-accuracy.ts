import { seasonalNaive } from './forecast-candidates';
import type { FittedModel } from './forecast-model';

/** Mean absolute error of the seasonal naive forecast within the history: what MASE divides by. NaN without two known steps a season apart. */
export function seasonalNaiveError(history: readonly number[], end: number, period: number): number {
  let sum = 0;
  let known = 0;
  for (let step = period; step < end; step++) {
    const error = Math.abs(history[step] - history[step - period]);
    if (Number.isNaN(error)) continue;
    sum += error;
    known += 1;
  }
  return known === 0 ? NaN : sum / known;
}

/**
 * Mean absolute scaled error (Hyndman and Koehler 2006): below 1 the forecast errs less than the seasonal naive one did, one season ahead,
 * within the history. NaN where that made no error at all, or nothing is known to compare with.
 */
export function scaledError(history: readonly number[], end: number, period: number, forecast: Float64Array): number {
  const scale = seasonalNaiveError(history, end, period);
  let sum = 0;
  let known = 0;
  forecast.forEach((expected, ahead) => {
    const error = Math.abs(history[end + ahead] - expected);
    if (Number.isNaN(error)) return;
    sum += error;
    known += 1;
  });
  return known === 0 || !(scale > 0) ? NaN : sum / known / scale;
}

/** MASE of the model and of the seasonal naive forecast from the same moments of the past, averaged over those where it exists. */
export function backTestedErrors(values: readonly number[], model: FittedModel): { ours: number; baseline: number; folds: number } {
  const period = model.seasonality.longest;
  let [ours, baseline, folds] = [0, 0, 0];
  for (const { origin, forecast } of model.folds) {
    const error = scaledError(values, origin, period, forecast);
    if (Number.isNaN(error)) continue;
    ours += error;
    baseline += scaledError(values, origin, period, seasonalNaive(values, origin, period, forecast.length));
    folds += 1;
  }
  return { ours: ours / folds, baseline: baseline / folds, folds };
}
