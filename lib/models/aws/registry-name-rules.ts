import type { Rule } from '../../core/rule';

/** Rules for the name of a registry and the ARN of an existing one. */
export const REGISTRY_RULES: readonly Rule<{ readonly registryName?: string; readonly registryArn?: string }>[] = [
  {
    code: 'Millrace.ModelRegistryInvalid',
    subject: 'registryName',
    value: (props) => props.registryName,
    valid: (name: string) => /^[a-z0-9](-*[a-z0-9]){0,62}$/.test(name),
    allowed: '1-63 lower-case letters, digits and -, a letter or digit at both ends: SageMaker writes names into ARNs in lower case',
    fix: 'name it after the model: card-fraud',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ModelRegistryInvalid',
    subject: 'registryArn',
    value: (props) => props.registryArn,
    valid: (arn: string) => /^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package-group\/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(arn),
    allowed: 'the ARN of a model package group: arn:aws:sagemaker:<region>:<account>:model-package-group/<name>',
    fix: 'copy it from aws sagemaker describe-model-package-group',
    tokens: 'refuse',
  },
];
