import type { Rule } from '../../core/rule';
import type { FeastSecretOptions } from './feast-secret';

/** Rules for the settings of a store, under the name of the property. */
export function secretRules<P>(subject: string, of: (props: P) => FeastSecretOptions | undefined): Rule<P>[] {
  const whenGiven =
    <T>(value: (options: FeastSecretOptions) => T) =>
    (props: P): T | undefined => {
      const options = of(props);
      return options && value(options);
    };
  return [
    {
      code: 'Millrace.FeastSecretMissing',
      subject: `${subject}.secretName`,
      value: whenGiven((options) => options.secretName ?? null),
      valid: (name: unknown) => typeof name === 'string' && /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name),
      allowed: 'the name of a secret in the namespace of the chart: the operator reads the settings of a store from nowhere else',
      fix: `make a secret with the settings as YAML, and name it in ${subject}`,
      tokens: 'refuse',
    },
    {
      code: 'Millrace.FeastSecretMissing',
      subject: `${subject}.secretKey`,
      value: whenGiven((options) => options.secretKey),
      valid: (key: string) => /^[-._a-zA-Z0-9]{1,253}$/.test(key),
      allowed: 'a key of a secret: letters, digits, -, _ or .',
      fix: 'leave it out for the type of the store',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.FeastAddressMissing',
      subject: `${subject}.addresses`,
      value: whenGiven((options) => options.addresses?.length ?? 0),
      valid: (count: number) => count > 0,
      allowed: 'at least one address: the network policy of the servers lets them nowhere else',
      fix: 'give FeastAddress.pods(…) or FeastAddress.cidr(…)',
    },
  ];
}
