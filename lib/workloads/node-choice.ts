import type { Resources } from './first-fit';
import type { InstanceType } from './instance-type';
import type { NodeCapacity } from './node-capacity';

/** All pods on nodes of one type. */
export interface Packing {
  readonly type: InstanceType;
  /** What pods may have on a node: allocatable without the daemonsets. */
  readonly room: Resources;
  readonly nodes: number;
  readonly nodesOfFullestZone: number;
  /** Price of all nodes for an hour. */
  readonly hourly: number;
}

// A family or size that costs this much more is still better than no node when the cheapest is out of stock.
const FAMILY_TOLERANCE = 1.3;
const SIZE_TOLERANCE = 1.15;
const MIN_SIZES = 3;
const MAX_SIZES = 4;
// Karpenter replaces a spot node by a cheaper one only when at least 15 types are cheaper (Karpenter, Consolidation: spot-to-spot).
const SPOT_TYPES = 15;

/** Least cost first; then more nodes, of which one is a smaller part of the whole; then by name, so that the order is always the same. */
export function byCost(a: Packing, b: Packing): number {
  return a.hourly - b.hourly || b.nodes - a.nodes || (a.type.name < b.type.name ? -1 : 1);
}

/**
 * Families and sizes around the cheapest type: its kind first, for spot others as well until there are 15 types. A requirement names
 * families and sizes apart, so every type that their product holds must have room for every pod.
 */
export function chooseTypes(ranked: readonly Packing[], candidates: readonly InstanceType[], capacity: NodeCapacity): Packing[] {
  const [best] = ranked;
  const packed = new Map(ranked.map((packing) => [packing.type, packing]));
  const sizes: string[] = [];
  const typesOf = (family: string, among: readonly string[] = sizes) =>
    candidates.filter((type) => type.family === family && among.includes(type.size));
  const roomy = (family: string, among?: readonly string[]) => typesOf(family, among).every((type) => packed.has(type));

  const sameKind = ranked.filter(({ type }) => type.kind === best.type.kind);
  for (const { type, hourly } of sameKind) {
    const enough = sizes.length >= MIN_SIZES && hourly > best.hourly * SIZE_TOLERANCE;
    if (sizes.length === MAX_SIZES || enough) break;
    if (!sizes.includes(type.size) && roomy(best.type.family, [type.size])) sizes.push(type.size);
  }

  const inSizes = ranked.filter(({ type }) => sizes.includes(type.size));
  const families = new Set<string>();
  for (const { type, hourly } of inSizes) {
    if (type.kind === best.type.kind && hourly <= best.hourly * FAMILY_TOLERANCE && roomy(type.family)) families.add(type.family);
  }
  const chosen = () => inSizes.filter(({ type }) => families.has(type.family));
  for (const { type } of inSizes) {
    if (!capacity.interruptible || chosen().length >= SPOT_TYPES) break;
    if (roomy(type.family)) families.add(type.family);
  }
  return chosen();
}
