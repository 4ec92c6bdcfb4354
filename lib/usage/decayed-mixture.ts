import { STEPS, STEP_VALUES, type StepCounts } from './request-grid';

/** What a request costs against an expected usage. */
export interface RequestCost {
  /** The request in units of this costs 1. */
  readonly scale: number;
  /** What it costs when all of the usage is over the request. */
  readonly overPrice: number;
  /** Requests as they can be made of the values of the steps: rounded, and not below a floor. */
  readonly requestAt: (step: number) => number;
}

/** A request with what it costs. */
export interface PricedRequest {
  readonly request: number;
  readonly cost: number;
  /** Cost of the current request on the same expectation. */
  readonly currentCost: number;
}

/**
 * Histograms of one usage that forget at different rates. Each is a model of its own: what it would have requested is priced against the
 * block that came after, and models that were dear lose weight in the mixture. So the memory of a container is as long as its own history
 * says is best.
 */
export class DecayedMixture {
  private readonly decays: number[];
  private readonly histograms: Float64Array[];
  private readonly totals: Float64Array;
  private readonly costs: Float64Array;
  private readonly choices: Int32Array;
  private readonly costDecay: number;
  private costTotal = 0;
  private low = STEPS - 1;
  private high = 0;
  private readonly mixed = new Float64Array(STEPS);
  private fresh = false;

  /**
   * @param halfLives in days
   * @param period days between two additions
   * @param sharpness 0: all models weigh the same; the higher, the more the cheapest prevails
   * @param memory half-life of the back-tested costs, in days
   */
  constructor(
    public readonly halfLives: readonly number[],
    period: number,
    private readonly sharpness: number,
    memory: number,
  ) {
    this.decays = halfLives.map((days) => Math.pow(2, -period / days));
    this.histograms = halfLives.map(() => new Float64Array(STEPS));
    this.totals = new Float64Array(halfLives.length);
    this.costs = new Float64Array(halfLives.length);
    this.choices = new Int32Array(halfLives.length).fill(-1);
    this.costDecay = Math.pow(2, -period / memory);
  }

  /** Whether anything was added. */
  public get empty(): boolean {
    return this.totals[0] === 0;
  }

  /** Adds what was used since the last addition, after each model has paid for what it had requested. */
  public add(block: StepCounts, cost: RequestCost | undefined): void {
    if (cost && this.sharpness > 0) this.payFor(block, cost);
    this.low = Math.min(this.low, block.low);
    this.high = Math.max(this.high, block.high);
    this.histograms.forEach((histogram, model) => {
      const decay = this.decays[model];
      for (let step = this.low; step <= this.high; step++) histogram[step] = histogram[step] * decay + block.counts[step];
      this.totals[model] = this.totals[model] * decay + block.total;
    });
    this.fresh = false;
  }

  /** Lets each model make the request that the next block prices. */
  public choose(cost: RequestCost): void {
    if (this.sharpness === 0) return;
    this.histograms.forEach((histogram, model) => {
      this.choices[model] = cheapest(histogram, this.totals[model], this.low, this.high, cost);
    });
  }

  /** Weights of the models, in the order of the half-lives; they sum to 1. */
  public weights(): number[] {
    const least = Math.min(...this.costs);
    const raw = this.halfLives.map((_, model) =>
      this.costTotal === 0 ? 1 : Math.exp((-this.sharpness * (this.costs[model] - least)) / this.costTotal),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((weight) => weight / sum);
  }

  /** The cheapest request for the expected usage. */
  public best(cost: RequestCost, current?: number): PricedRequest {
    const expected = this.mix();
    const { scale, overPrice, requestAt } = cost;
    let over = 1;
    let request = requestAt(this.low);
    let least = Infinity;
    let currentCost = current !== undefined && current < request ? current / scale + overPrice : undefined;
    for (let step = this.low; step <= this.high; step++) {
      over -= expected[step];
      const candidate = requestAt(step);
      const price = candidate / scale + overPrice * Math.max(0, over);
      if (price < least - 1e-12) {
        least = price;
        request = candidate;
      }
      if (current !== undefined && currentCost === undefined && candidate >= current) currentCost = price + (current - candidate) / scale;
    }
    return { request, cost: least, currentCost: currentCost ?? (current ?? 0) / scale };
  }

  /** The cheapest request given that usage is above a value; `undefined` when it never was. */
  public bestAbove(value: number, cost: RequestCost): number | undefined {
    const expected = this.mix();
    const { scale, overPrice, requestAt } = cost;
    let first = this.low;
    while (first <= this.high && STEP_VALUES[first] <= value) first++;
    // The step that holds the value itself says nothing of what is above it.
    first++;
    let total = 0;
    for (let step = first; step <= this.high; step++) total += expected[step];
    if (total < 1e-9) return undefined;
    let over = total;
    let request: number | undefined;
    let least = Infinity;
    for (let step = first; step <= this.high; step++) {
      over -= expected[step];
      const price = requestAt(step) / scale + (overPrice * Math.max(0, over)) / total;
      if (price < least - 1e-12) {
        least = price;
        request = requestAt(step);
      }
    }
    return request;
  }

  private payFor(block: StepCounts, { scale, overPrice, requestAt }: RequestCost): void {
    this.costTotal = this.costTotal * this.costDecay + 1;
    this.choices.forEach((choice, model) => {
      if (choice < 0) return;
      let over = 0;
      for (let step = choice + 1; step <= block.high; step++) over += block.counts[step];
      this.costs[model] = this.costs[model] * this.costDecay + requestAt(choice) / scale + (overPrice * over) / block.total;
    });
  }

  private mix(): Float64Array {
    if (this.fresh) return this.mixed;
    this.mixed.fill(0, this.low, this.high + 1);
    this.weights().forEach((weight, model) => {
      const factor = weight / this.totals[model];
      if (factor === 0) return;
      const histogram = this.histograms[model];
      for (let step = this.low; step <= this.high; step++) this.mixed[step] += factor * histogram[step];
    });
    this.fresh = true;
    return this.mixed;
  }
}

function cheapest(histogram: Float64Array, total: number, low: number, high: number, cost: RequestCost): number {
  let over = 1;
  let best = low;
  let least = Infinity;
  for (let step = low; step <= high; step++) {
    over -= histogram[step] / total;
    const price = cost.requestAt(step) / cost.scale + cost.overPrice * Math.max(0, over);
    if (price < least - 1e-12) {
      least = price;
      best = step;
    }
  }
  return best;
}
