import { enforce } from '../../core/rule';

/** When a monitor runs; SageMaker starts it up to twenty minutes later (SageMaker developer guide, schedule model monitoring jobs). */
export class MonitorSchedule {
  /** Every hour, over what was captured in the hour before. */
  public static hourly(): MonitorSchedule {
    return new MonitorSchedule('cron(0 * ? * * *)', 1);
  }

  /**
   * Once a day, over the day before.
   *
   * @param hour Hour in UTC, 0-23.
   * @throws Millrace.ModelMonitorInvalid
   */
  public static daily(hour: number): MonitorSchedule {
    checkHours('MonitorSchedule.daily', 'hour', hour, 0, 23);
    return new MonitorSchedule(`cron(0 ${hour} ? * * *)`, 24);
  }

  /**
   * Every so many hours, counted from midnight UTC.
   *
   * @param hours 1, 2, 3, 4, 6, 8, 12 or 24: others leave a shorter stretch before midnight that is not compared alike.
   * @throws Millrace.ModelMonitorInvalid
   */
  public static everyHours(hours: number): MonitorSchedule {
    checkHours('MonitorSchedule.everyHours', 'hours', hours, 1, 24, 24);
    return new MonitorSchedule(`cron(0 0/${hours} ? * * *)`, hours);
  }

  private constructor(
    /** The cron expression that SageMaker takes. */
    public readonly expression: string,
    /** Hours between two executions. */
    public readonly intervalHours: number,
  ) {}
}

function checkHours(where: string, subject: string, hours: number, least: number, most: number, divides?: number): void {
  enforce(where, { hours }, [
    {
      code: 'Millrace.ModelMonitorInvalid',
      subject,
      value: (input) => input.hours,
      valid: (given: number) => Number.isInteger(given) && given >= least && given <= most && (divides ?? given) % (given || 1) === 0,
      allowed: divides ? `a whole number that divides ${divides}` : `a whole number from ${least} to ${most}`,
      fix: 'use MonitorSchedule.hourly()',
      tokens: 'refuse',
    },
  ]);
}
