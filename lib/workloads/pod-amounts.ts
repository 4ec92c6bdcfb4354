import type { Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import type { Cpu } from 'cdk8s-plus-27';

/** Unrounded: `SizeRoundingBehavior.NONE`, spelled out because the sizing runs without the CDK. */
export function bytesOf(size: Size): number {
  return size.toBytes({ rounding: 2 as SizeRoundingBehavior });
}

/** cdk8s-plus spells CPU as `500m`; a multiplication by 1000 leaves floating-point dust, as in 1.005 cores. */
export function millisOf(cpu: Cpu): number {
  const amount = String(cpu.amount);
  return amount.endsWith('m') ? Number(amount.slice(0, -1)) : Number((Number(amount) * 1000).toFixed(6));
}
