/** What one copy of a component takes of an instance, or what an instance has room for. */
export interface PackedResources {
  readonly accelerators: number;
  readonly cpus: number;
  readonly memoryMib: number;
}

/** Copies of one component. */
export interface PackedCopies {
  readonly resources: PackedResources;
  readonly copies: number;
}

const KINDS = ['accelerators', 'memoryMib', 'cpus'] as const;

/** Whether something fits into what is left. */
export function fits(needed: PackedResources, room: PackedResources): boolean {
  return KINDS.every((kind) => needed[kind] <= room[kind]);
}

/**
 * Instances that all copies need, the largest put down first, each on the first instance with room: what a scheduler manages too, and never
 * fewer than there have to be.
 */
export function instancesFor(components: readonly PackedCopies[], room: PackedResources): number {
  const share = ({ accelerators, memoryMib, cpus }: PackedResources) =>
    Math.max(accelerators / (room.accelerators || 1), memoryMib / room.memoryMib, cpus / room.cpus);
  const copies = components
    .flatMap(({ resources, copies: count }) => Array.from({ length: count }, () => resources))
    .sort((a, b) => share(b) - share(a));
  const left: PackedResources[] = [];
  for (const copy of copies) {
    if (!fits(copy, room)) return Infinity;
    const index = left.findIndex((free) => fits(copy, free));
    const at = index === -1 ? left.push(room) - 1 : index;
    left[at] = {
      accelerators: left[at].accelerators - copy.accelerators,
      cpus: left[at].cpus - copy.cpus,
      memoryMib: left[at].memoryMib - copy.memoryMib,
    };
  }
  return left.length;
}
