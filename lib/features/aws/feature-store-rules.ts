import type { Rule } from '../../core/rule';

/** A name that is a prefix in S3 and a project of Feast. */
export const STORE_NAME_RULE: Rule<{ readonly storeName?: string }> = {
  code: 'Millrace.FeatureStoreNameInvalid',
  subject: 'storeName',
  value: ({ storeName }) => storeName,
  valid: (name: unknown) => typeof name === 'string' && /^[a-z][a-z0-9_]{0,62}$/.test(name),
  allowed: "1-63 lower-case letters, digits or '_', with a letter first",
  fix: "write words apart with '_'",
  tokens: 'refuse',
};
