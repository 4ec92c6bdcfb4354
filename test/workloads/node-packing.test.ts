import { Size, Token } from 'aws-cdk-lib';
import { Cpu } from 'cdk8s-plus-27';
import fc from 'fast-check';
import { firstFitDecreasing } from '../../lib/workloads/first-fit';
import { type InstanceType, allocatableOf, instanceTypes, maxPodsOf } from '../../lib/workloads/instance-type';
import { NodeArchitecture } from '../../lib/workloads/node-architecture';
import { NodeCapacity } from '../../lib/workloads/node-capacity';
import { NodePacking, type NodePackingOptions, type PackedWorkload } from '../../lib/workloads/node-packing';
import { PodDensity } from '../../lib/workloads/pod-density';
import { PodSize } from '../../lib/workloads/pod-size';
import { refusalOf } from '../contract/refusal';

const MIB = 1024 * 1024;
const pods = (cpu: number, mebibytes: number, replicas: number): PodSize =>
  PodSize.fixed({ cpu: Cpu.millis(cpu), memory: Size.mebibytes(mebibytes), replicas });
const typeNamed = (name: string) => instanceTypes().find((type) => type.name === name) as InstanceType;
const pack = (workloads: PackedWorkload[], options?: NodePackingOptions) => NodePacking.forWorkloads(workloads, options);

describe('an instance type', () => {
  test('takes the pods that amazon-eks-ami lists for it: interfaces x (addresses - 1) + 2', () => {
    const listed = { 'm7g.large': 29, 'm6i.xlarge': 58, 'c6a.4xlarge': 234, 'r6i.24xlarge': 737, 'p4d.24xlarge': 737, 'p5.48xlarge': 100 };
    const found = Object.keys(listed).map((name) => [name, maxPodsOf(typeNamed(name), PodDensity.SECONDARY_ADDRESSES)]);
    expect(Object.fromEntries(found)).toEqual(listed);
  });

  test('takes 110 pods with prefix delegation, from two vCPUs on', () => {
    const counts = instanceTypes()
      .filter(({ vcpus }) => vcpus >= 2)
      .map((type) => maxPodsOf(type, PodDensity.PREFIX_DELEGATION));
    expect(new Set(counts)).toEqual(new Set([110]));
  });

  test('keeps 6 % of the first core, 1 % of the second, 0.5 % of the next two and 0.25 % of the rest for kubelet', () => {
    const allocatable = ['m6i.large', 'm6i.xlarge', 'm6i.2xlarge', 'm6i.4xlarge', 'm6i.24xlarge'].map(
      (name) => allocatableOf(typeNamed(name), PodDensity.SECONDARY_ADDRESSES).cpuMillis,
    );
    expect(allocatable).toEqual([1930, 3920, 7910, 15890, 95690]);
  });

  test('keeps 7.5 % for the hypervisor, 255 MiB and 11 a pod for kubelet, 100 for eviction, and on Graviton 64 more', () => {
    const mebibytes = (name: string, density = PodDensity.SECONDARY_ADDRESSES) => allocatableOf(typeNamed(name), density).memoryBytes / MIB;
    expect(mebibytes('m6i.large')).toBe(8192 - 615 - 255 - 11 * 29 - 100);
    expect(mebibytes('m7g.large')).toBe(8192 - 64 - 610 - 255 - 11 * 29 - 100);
    expect(mebibytes('m6i.large', PodDensity.PREFIX_DELEGATION)).toBe(8192 - 615 - 255 - 11 * 110 - 100);
  });

  test('has the GPUs and the price of its sources', () => {
    expect(typeNamed('g6e.48xlarge')).toMatchObject({ gpus: 8, gpuMemoryMib: 45776, kind: 'L40S 45 GiB', architecture: 'amd64' });
    expect([typeNamed('m7g.large').hourly, typeNamed('g6.xlarge').hourly, typeNamed('p5.48xlarge').hourly]).toEqual([
      0.0816, 0.8048, 55.04,
    ]);
  });

  test('has memory, addresses and a price, whichever it is', () => {
    const odd = instanceTypes().filter(
      ({ vcpus, memoryMib, networkInterfaces, addressesPerInterface, hourly, architecture }) =>
        ![vcpus, memoryMib, networkInterfaces, addressesPerInterface, hourly].every((value) => value > 0) ||
        !['amd64', 'arm64'].includes(architecture),
    );
    expect(odd).toEqual([]);
    expect(instanceTypes().length).toBe(287);
  });
});

describe('packing', () => {
  test('takes the least cost over three zones, as computed by hand', () => {
    // Nine pods of 2 cores and 4 GiB are three a zone. A c6a.2xlarge has room for (8000 - 90 - 250) / 2000 = 3 by CPU and
    // (16384 - 1229 - 255 - 11 x 58 - 100 - 256) / 4096 = 3 by memory: three nodes of 0.306. A c6a.xlarge takes one pod: nine of 0.153.
    const packing = pack([{ size: pods(2000, 4096, 9) }]);
    expect(packing.choice).toBe('3 x c6a.2xlarge');
    expect([packing.instanceType, packing.nodes, packing.bottleneck]).toEqual(['c6a.2xlarge', 3, 'availability']);
    expect(packing.utilisation).toEqual({ cpu: 0.7833, memory: 0.8836, pods: 0.0577 });
    expect(packing.loss).toEqual({ cpu: 0.2167, memory: 0.1164, reservedCpu: 0.0425, reservedMemory: 0.1512 });
    expect(packing.reason).toBe(
      '9 pods request 18 cores and 36.0 GiB at peak; over 3 zones they take 3 x c6a.2xlarge, each with room for 7660m and 13906 MiB, ' +
        'for 0.918 USD/h on demand in us-east-1 at 2026-07-20, the least of 156 types; packing loss: 21.7 % of the CPU and 11.6 % of the ' +
        'memory that pods may have is not requested, besides the 4.3 % and 15.1 % of the machines that are reserved; Karpenter chooses ' +
        'among 12 types that every pod fits, with a loss of up to 61.6 % of the CPU and 54.7 % of the memory',
    );
  });

  test('chooses the ratio of memory to CPU that the pods have', () => {
    const families = [1500, 3500, 7000].map((mebibytes) => pack([{ size: pods(1000, mebibytes, 90) }]).instanceType[0]);
    expect(families).toEqual(['c', 'm', 'r']);
  });

  test('offers several families and sizes, all of the sixth generation or later, and says what others would lose', () => {
    const packing = pack([{ size: pods(1000, 3500, 90) }]);
    expect(packing.families.length).toBeGreaterThanOrEqual(4);
    expect(packing.sizes.length).toBeGreaterThanOrEqual(3);
    expect(packing.families.every((family) => /^[cmr][678]/.test(family))).toBe(true);
    expect(packing.alternatives.map(({ choice }) => choice.split(' x ')[1][0])).toEqual(['m', 'r', 'c']);
    for (const { reason } of packing.alternatives) expect(reason).toMatch(/USD\/h; packing loss \d+\.\d % of the CPU and \d+\.\d %/);
  });

  test('offers spot at least fifteen types, so that Karpenter may replace a spot node by a cheaper one', () => {
    for (const architecture of [NodeArchitecture.AMD64, NodeArchitecture.ARM64]) {
      const packing = pack([{ size: pods(500, 1024, 30) }], { capacity: NodeCapacity.SPOT, architecture });
      expect(packing.instanceTypes.length).toBeGreaterThanOrEqual(15);
    }
  });

  test('stays with the architecture that the images are built for', () => {
    const architectures = [undefined, NodeArchitecture.ARM64, NodeArchitecture.ANY].map(
      (architecture) => pack([{ size: pods(500, 1024, 30) }], { architecture }).architectures,
    );
    expect(architectures).toEqual([['amd64'], ['arm64'], ['amd64', 'arm64']]);
  });

  test('counts pods as a limit of its own', () => {
    const packing = pack([{ size: pods(10, 16, 300) }]);
    expect(packing.bottleneck).toBe('pods');
  });

  test('leaves room for what runs on every node', () => {
    const size = pods(1700, 1024, 9);
    const daemonsets = { cpu: Cpu.millis(0), memory: Size.mebibytes(0), pods: 0 };
    expect(pack([{ size }]).sizes).not.toContain('large');
    expect(pack([{ size }], { daemonsets }).sizes).toContain('large');
  });

  test('takes GPUs of enough memory, and only types that have them', () => {
    const size = pods(4000, 16384, 3);
    expect(pack([{ size, gpus: 1 }])).toMatchObject({ instanceType: 'g6.2xlarge', hasGpus: true, gpus: 3, families: ['g6'] });
    expect(pack([{ size, gpus: 1, gpuMemory: Size.gibibytes(40) }]).instanceType).toBe('g6e.2xlarge');
    expect(pack([{ size, gpus: 8, gpuMemory: Size.gibibytes(70) }]).instanceType).toBe('p4de.24xlarge');
    expect(pack([{ size }])).toMatchObject({ hasGpus: false, gpus: 0 });
  });
});

describe('whatever the workloads are', () => {
  const workload = fc
    .record({
      cpu: fc.integer({ min: 10, max: 8000 }),
      memory: fc.integer({ min: 16, max: 32768 }),
      replicas: fc.integer({ min: 1, max: 300 }),
    })
    .map(({ cpu, memory, replicas }) => ({ size: pods(cpu, memory, replicas) }));
  const workloads = fc.array(workload, { minLength: 1, maxLength: 6 });
  const options = fc.record({
    capacity: fc.constantFrom(NodeCapacity.ON_DEMAND, NodeCapacity.SPOT, NodeCapacity.MIXED),
    architecture: fc.constantFrom(NodeArchitecture.AMD64, NodeArchitecture.ARM64, NodeArchitecture.ANY),
    podDensity: fc.constantFrom(PodDensity.SECONDARY_ADDRESSES, PodDensity.PREFIX_DELEGATION),
  });

  test('every pod fits every instance type that the requirements admit', () => {
    fc.assert(
      fc.property(workloads, options, (given, how) => {
        const packing = pack(given, how);
        const admitted = instanceTypes().filter(
          ({ family, size, architecture }) =>
            packing.families.includes(family) && packing.sizes.includes(size) && packing.architectures.includes(architecture),
        );
        expect(admitted.map(({ name }) => name).sort()).toEqual([...packing.instanceTypes].sort());
        for (const type of admitted) {
          const room = allocatableOf(type, how.podDensity);
          for (const { size } of given) {
            expect(size.cpuMillis).toBeLessThanOrEqual(room.cpuMillis - 250);
            expect(size.memoryBytes).toBeLessThanOrEqual(room.memoryBytes - 256 * MIB);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('the loss is a share, and the chosen type leads the list', () => {
    fc.assert(
      fc.property(workloads, options, (given, how) => {
        const { loss, instanceTypes: types, instanceType, vcpus, nodes } = pack(given, how);
        for (const share of Object.values(loss)) {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThan(1);
        }
        expect(types[0]).toBe(instanceType);
        expect(vcpus).toBeGreaterThanOrEqual(nodes * typeNamed(instanceType).vcpus);
      }),
      { numRuns: 15 },
    );
  });

  test('their order does not matter', () => {
    fc.assert(
      fc.property(workloads, options, (given, how) => {
        expect({ ...pack([...given].reverse(), how) }).toEqual({ ...pack(given, how) });
      }),
      { numRuns: 15 },
    );
  });

  test('first-fit-decreasing opens as many nodes as when pods are placed one at a time', () => {
    const node = { cpuMillis: 4000, memoryBytes: 4000, pods: 20, gpus: 0 };
    const group = fc.record({ cpu: fc.integer({ min: 1, max: 4000 }), memory: fc.integer({ min: 1, max: 4000 }), count: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(group, { maxLength: 5 }), (given) => {
        const groups = given.map(({ cpu, memory, count }) => ({ need: { cpuMillis: cpu, memoryBytes: memory, pods: 1, gpus: 0 }, count }));
        const singles = groups.flatMap(({ need, count }) => Array.from({ length: count }, () => ({ need, count: 1 })));
        const nodes = firstFitDecreasing(groups, node);
        expect(nodes).toBe(firstFitDecreasing(singles, node));
        const cpu = groups.reduce((sum, { need, count }) => sum + need.cpuMillis * count, 0);
        expect(nodes).toBeGreaterThanOrEqual(Math.ceil(cpu / node.cpuMillis));
      }),
    );
  });
});

describe('what is refused', () => {
  const size = pods(500, 512, 3);

  test('says every reason together', () => {
    expect(refusalOf(() => pack([]))).toEqual(['Millrace.NodePackingInvalid workloads']);
    expect(
      refusalOf(() =>
        pack(
          [
            { size, replicas: 0 },
            { size, gpus: 9 },
            { size, gpuMemory: Size.gibibytes(1) },
          ],
          {
            daemonsets: { cpu: Cpu.millis(-1), pods: 0.5, memory: Size.mebibytes(Token.asNumber('later')) },
          },
        ),
      ),
    ).toEqual([
      'Millrace.NodePackingInvalid workloads.gpus',
      'Millrace.NodePackingInvalid workloads[0].replicas',
      'Millrace.NodePackingInvalid workloads[1].gpus',
      'Millrace.NodePackingInvalid workloads[2].gpuMemory',
      'Millrace.NodePackingInvalid daemonsets.cpu',
      'Millrace.TokenRefused daemonsets.memory',
      'Millrace.NodePackingInvalid daemonsets.pods',
    ]);
  });

  test('is a pod that no node has room for', () => {
    const huge = PodSize.fixed({ cpu: Cpu.units(400), memory: Size.gibibytes(8) });
    expect(refusalOf(() => pack([{ size }, { size: huge }]))).toEqual(['Millrace.NodePackingDoesNotFit workloads']);
    expect(refusalOf(() => pack([{ size, gpus: 1 }], { architecture: NodeArchitecture.ARM64 }))).toEqual([
      'Millrace.NodePackingDoesNotFit workloads',
    ]);
    expect(() => pack([{ size: huge }])).toThrow(/received pods of 400000m \/ 8192 MiB; allowed: what one instance type has room for/);
  });
});
