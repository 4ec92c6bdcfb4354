import { enforce } from '../core/rule';
import type { EndpointMonitoring } from './endpoint-monitoring';

const MINUTES = 3;

/** What is watched, with every default filled in. */
export interface ResolvedMonitoring {
  readonly alarms: boolean;
  readonly errorPercent: number;
  readonly windowMinutes: number;
  readonly capturePercent?: number;
  readonly captureDestination?: string;
}

/** Checks what is to be watched and fills in defaults. */
export function resolveMonitoring(scope: string, monitoring: EndpointMonitoring = {}): ResolvedMonitoring {
  const { alarms = true, errorPercent = 1, window, dataCapture } = monitoring;
  const windowMinutes = window?.toMinutes({ integral: false }) ?? MINUTES;
  const capturePercent = dataCapture && (dataCapture.percent ?? 10);
  enforce(scope, { errorPercent, windowMinutes, capturePercent }, [
    {
      code: 'Millrace.EndpointMonitoringInvalid',
      subject: 'monitoring.errorPercent',
      value: (input) => input.errorPercent,
      valid: (percent: number) => Number.isFinite(percent) && percent > 0 && percent <= 100,
      allowed: 'a number above 0, at most 100',
      fix: 'leave it out for 1',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.EndpointMonitoringInvalid',
      subject: 'monitoring.window',
      value: (input) => input.windowMinutes,
      valid: (minutes: number) => Number.isInteger(minutes) && minutes >= 1 && minutes <= 60,
      allowed: 'whole minutes from 1 to 60',
      fix: 'leave it out for 3',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.EndpointMonitoringInvalid',
      subject: 'monitoring.dataCapture.percent',
      value: (input) => input.capturePercent,
      valid: (percent: number) => Number.isInteger(percent) && percent >= 1 && percent <= 100,
      allowed: 'a whole number from 1 to 100',
      fix: 'leave dataCapture out to keep nothing',
      tokens: 'refuse',
    },
  ]);
  return { alarms, errorPercent, windowMinutes, capturePercent, captureDestination: dataCapture?.destination };
}
