import { enforce, isPositive } from '../core/rule';
import type { LlmMonitoring } from './llm-monitoring';

/** What is watched, with every default filled in. */
export interface ResolvedLlmMonitoring {
  readonly alarms: boolean;
  readonly errorPercent: number;
  readonly windowMinutes: number;
  readonly kvCachePercent: number;
  readonly waitingRequests: number;
}

/** Checks what is to be watched and fills in defaults. */
export function resolveLlmMonitoring(scope: string, monitoring: LlmMonitoring = {}): ResolvedLlmMonitoring {
  const { alarms = true, errorPercent = 1, kvCachePercent = 80, waitingRequests = 10, window } = monitoring;
  const windowMinutes = window?.toMinutes({ integral: false }) ?? 5;
  enforce(scope, { errorPercent, kvCachePercent, waitingRequests, windowMinutes }, [
    {
      code: 'Millrace.LlmMonitoringInvalid',
      subject: 'monitoring.errorPercent, kvCachePercent',
      value: (input) => [input.errorPercent, input.kvCachePercent],
      valid: (given: number[]) => given.every((percent) => isPositive(percent) && percent <= 100),
      allowed: 'numbers above 0, at most 100',
      fix: 'leave them out for 1 and 80',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.LlmMonitoringInvalid',
      subject: 'monitoring.waitingRequests',
      value: (input) => input.waitingRequests,
      valid: isPositive,
      allowed: 'a number above zero',
      fix: 'leave it out for 10',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.LlmMonitoringInvalid',
      subject: 'monitoring.window',
      value: (input) => input.windowMinutes,
      valid: (minutes: number) => Number.isInteger(minutes) && minutes >= 1 && minutes <= 60,
      allowed: 'whole minutes from 1 to 60',
      fix: 'leave it out for 5',
      tokens: 'refuse',
    },
  ]);
  return { alarms, errorPercent, windowMinutes, kvCachePercent, waitingRequests };
}
