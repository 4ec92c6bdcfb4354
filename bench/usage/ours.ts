import { ContainerRecommender, type RequestFloors, type Requests } from '../../lib/usage/container-recommender';
import type { RequestPolicy } from '../../lib/usage/request-policy';
import { UsageBlock, roundUsage } from '../../lib/usage/usage-block';
import type { Policy, Requested } from './replay';

/** Our recommender, which sees blocks when they are over, and overruns as they happen. */
export function ours(policy: RequestPolicy, blockSeconds: number, floors: RequestFloors): Policy {
  const recommender = new ContainerRecommender(policy, blockSeconds, floors);
  let block: UsageBlock | undefined;
  let due = false;
  let raised: Requests | undefined;
  const closeUntil = (time: number) => {
    const start = Math.floor(time / blockSeconds) * blockSeconds;
    if (block && block.start === start) return;
    if (block) recommender.observe(block);
    due = block !== undefined;
    block = new UsageBlock(start);
  };
  return {
    observe(time, cpu, memory) {
      closeUntil(time);
      block?.add('cpu', roundUsage(cpu));
      block?.add('memory', roundUsage(memory));
    },
    decide(time, _, current) {
      closeUntil(time);
      const from: Requested | undefined = raised ?? current;
      raised = undefined;
      if (from && !due) return from;
      due = false;
      return recommender.decide(from);
    },
    cpuOver(_, current) {
      const next = recommender.cpuOver(raised ?? current);
      if (next !== current) raised = next;
    },
    memoryOver(_, current, sample) {
      const next = recommender.memoryOver(raised ?? current, sample);
      if (next !== current) raised = next;
    },
  };
}
