import { ContainerRecommender, type RequestFloors, type Requests } from './container-recommender';
import { StepCounts, stepOf, STEP_VALUES } from './request-grid';
import type { RequestPolicy } from './request-policy';
import type { UsageBlock } from './usage-block';

const DAY = 86_400;
// The warm-up of the benchmark and of VPA; a shorter history warms up for half of itself.
const WARM_UP = 8 * DAY;

/** How long blocks are and how often they were sampled. */
export interface BlockTiming {
  readonly blockSeconds: number;
  readonly intervalSeconds: number;
}

/** What a policy would have done on the history of a container. */
export interface BackTest {
  /** The requests at the end of the history. */
  readonly requests: Requests;
  /** The recommender, with what it knows at the end. */
  readonly recommender: ContainerRecommender;
  readonly cpuSlack: number;
  readonly cpuOver: number;
  readonly memorySlack: number;
  readonly memoryOver: number;
  /** Changes of the requests after the first. */
  readonly resizes: number;
}

/** Replays a policy over the blocks of a container; each block is priced before the policy sees it. `undefined` without CPU or memory. */
export function backTest(
  policy: RequestPolicy,
  blocks: readonly UsageBlock[],
  { blockSeconds, intervalSeconds }: BlockTiming,
  floors: RequestFloors,
): BackTest | undefined {
  const recommender = new ContainerRecommender(policy, blockSeconds, floors);
  const score = new Score(blockSeconds / intervalSeconds);
  const begin = blocks.length > 0 ? blocks[0].start : 0;
  const end = blocks.length > 0 ? blocks[blocks.length - 1].start + blockSeconds : 0;
  const scoredFrom = begin + Math.min(WARM_UP, (end - begin) / 2);
  let current: Requests | undefined;
  let resizes = 0;
  for (const block of blocks) {
    if (recommender.ready && block.start >= scoredFrom) {
      const decided = recommender.decide(current);
      const raised = score.add(block, decided, recommender);
      if (current && !same(current, decided)) resizes++;
      if (!same(decided, raised)) resizes++;
      current = raised;
    }
    recommender.observe(block);
  }
  recommender.closeHistory();
  if (!recommender.ready) return undefined;
  return { requests: current ?? recommender.decide(), recommender, resizes, ...score.result() };
}

function same(a: Requests, b: Requests): boolean {
  return a.cpu === b.cpu && a.memory === b.memory;
}

/** Adds up what was requested and used, from the histograms. */
class Score {
  private readonly cpu = new ResourceScore();
  private readonly memory = new ResourceScore();

  /** @param podSamples samples of one pod in a block */
  constructor(private readonly podSamples: number) {}

  /** Scores a block under the requests; returns them, raised where the block went over. */
  public add(block: UsageBlock, requests: Requests, recommender: ContainerRecommender): Requests {
    let next = requests;
    const cpu = block.usage.get('cpu');
    if (cpu && cpu.histogram.count > 0) {
      // Of many pods each is over for its share of these samples.
      const pods = Math.max(1, cpu.histogram.count / this.podSamples);
      let over = this.cpu.add(new StepCounts().spread(cpu), requests.cpu) / pods;
      for (; over >= 1 && next.cpu === requests.cpu; over--) next = recommender.cpuOver(next);
    }
    const memory = block.usage.get('memory');
    if (memory && memory.histogram.count > 0) {
      this.memory.add(new StepCounts().spread(memory), requests.memory);
      const peak = recommender.memoryPeakOf(block);
      if (peak > requests.memory) next = recommender.memoryOver(next, 0, peak);
    }
    return next;
  }

  public result(): Pick<BackTest, 'cpuSlack' | 'cpuOver' | 'memorySlack' | 'memoryOver'> {
    return {
      cpuSlack: this.cpu.slack(),
      cpuOver: this.cpu.overShare(),
      memorySlack: this.memory.slack(),
      memoryOver: this.memory.overShare(),
    };
  }
}

class ResourceScore {
  private requested = 0;
  private used = 0;
  private over = 0;
  private samples = 0;

  /** Returns how many samples were over the request. */
  public add(counts: StepCounts, request: number): number {
    const limit = stepOf(request);
    let over = 0;
    for (let step = counts.low; step <= counts.high; step++) {
      const count = counts.counts[step];
      if (step > limit) over += count;
      this.used += count * Math.min(request, step === 0 ? 0 : STEP_VALUES[step]);
    }
    this.requested += counts.total * request;
    this.over += over;
    this.samples += counts.total;
    return over;
  }

  public slack(): number {
    return this.requested === 0 ? 0 : 1 - this.used / this.requested;
  }

  public overShare(): number {
    return this.samples === 0 ? 0 : this.over / this.samples;
  }
}
