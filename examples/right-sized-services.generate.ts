import * as fs from 'fs';
import { emptyProfile, formatProfile, parseProfile } from '../lib/usage/profile-file';
import { UsageRecording } from '../lib/usage/usage-recording';

/** What a pod of a service uses at an hour of the day, from made-up noise between 0 and 1. */
interface Load {
  readonly pods: number;
  readonly cpuRequest: number;
  readonly memoryRequest: number;
  readonly cpu: (hour: number, noise: number) => number;
  readonly memory: (hour: number, noise: number) => number;
}

const day = (hour: number) => 1 - Math.cos(((hour - 3) / 12) * Math.PI);
const LOADS: Record<string, Load> = {
  'gateway/main': {
    pods: 4,
    cpuRequest: 1000,
    memoryRequest: 1024,
    cpu: (hour, noise) => 60 + 70 * day(hour) + 30 * noise,
    memory: (hour, noise) => 260 + 30 * day(hour) + 10 * noise,
  },
  'ledger/main': {
    pods: 2,
    cpuRequest: 1000,
    memoryRequest: 4096,
    cpu: (_hour, noise) => 380 + 20 * noise,
    memory: (_hour, noise) => 2860 + 30 * noise,
  },
  'scorer/main': {
    pods: 2,
    cpuRequest: 2000,
    memoryRequest: 1536,
    cpu: (_hour, noise) => (noise > 0.97 ? 1400 : 40 + 60 * noise),
    memory: (_hour, noise) => 600 + 120 * noise ** 4,
  },
};
const STEP = 300;
const DAY = 86_400;
const FIRST = Date.UTC(2026, 10, 1) / 1000;

/**
 * Writes what `millrace usage pull` would: two weeks of usage into a new file; into one that is there, a further week under the requests that
 * it recommends, in which the gateway has 60 % more to do.
 */
function generate(path: string): void {
  const present = fs.existsSync(path) ? parseProfile(path, fs.readFileSync(path, 'utf8')) : undefined;
  const recording = new UsageRecording(present ?? emptyProfile('shop'), 'generate');
  let seed = 1;
  for (const [container, load] of Object.entries(LOADS)) {
    const { recommendation, blocks = [] } = present?.containers.get(container) ?? {};
    const start = FIRST + (blocks.length / 3) * DAY;
    const growth = present && container === 'gateway/main' ? 1.6 : 1;
    const [cpuRequest, memoryRequest] = [recommendation?.cpuMillis ?? load.cpuRequest, recommendation?.memoryMib ?? load.memoryRequest];
    for (let time = start; time < start + (present ? 7 : 14) * DAY; time += STEP) {
      const hour = (time % DAY) / 3600;
      for (let pod = 0; pod < load.pods; pod++) {
        seed = (seed * 48_271) % 2_147_483_647;
        const noise = seed / 2_147_483_647;
        const cpu = load.cpu(hour, noise) * growth;
        recording.add({ container, pod: `${pod}`, time, cpu, memory: load.memory(hour, noise), cpuRequest, memoryRequest });
      }
    }
  }
  fs.writeFileSync(path, formatProfile(recording.finish()));
}

generate(process.argv[2]);
