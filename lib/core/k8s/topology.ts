import type { IConstruct } from 'constructs';

interface Vertex {
  readonly construct: IConstruct;
  /** Its dependencies, in the order in which they were declared. */
  readonly outbound: Vertex[];
  inbound: number;
  /** Dependencies already followed. */
  followed: number;
  state: 'unseen' | 'open' | 'sorted';
}

/** `source` depends on `target`. */
interface Edge {
  readonly source: Vertex;
  readonly target: Vertex;
}

// An error text of more steps than this helps nobody, and stock needs exponential time to get there.
const MAX_ROUTE_STEPS = 100_000;

/**
 * The constructs below and including `root`, dependencies first, in the order of `cdk8s.DependencyGraph.topology()`.
 *
 * Stock looks for a cycle at every edge and follows every path to a construct, which is exponential for layers that depend on each other;
 * this visits every construct once.
 * @throws `Dependency cycle detected: …` with the text of stock
 */
export function sortTopologically(root: IConstruct): IConstruct[] {
  const constructs = root.node.findAll();
  const vertices = new Map<IConstruct, Vertex>();
  for (const construct of constructs) vertices.set(construct, { construct, outbound: [], inbound: 0, followed: 0, state: 'unseen' });
  const edges = edgesBetween(vertices);
  const sorted: IConstruct[] = [];
  for (const construct of inOrderOfStock(constructs, root)) {
    const vertex = vertices.get(construct)!;
    if (vertex.inbound === 0) visit(vertex, sorted, edges);
  }
  // What no independent construct leads to is on a cycle, behind one, or depends on itself; stock leaves the last out.
  if (sorted.length < constructs.length) refuseCycle(edges);
  return sorted;
}

function edgesBetween(vertices: Map<IConstruct, Vertex>): Edge[] {
  const edges: Edge[] = [];
  let byPath: Map<string, Vertex> | undefined;
  // Stock finds constructs by path, and so the one that has replaced a removed construct which a dependency still names.
  const findByPath = (path: string) => {
    byPath ??= new Map([...vertices.values()].map((vertex) => [vertex.construct.node.path, vertex]));
    return byPath.get(path);
  };
  for (const source of vertices.values()) {
    for (const dependency of source.construct.node.dependencies) {
      const target = vertices.get(dependency) ?? findByPath(dependency.node.path);
      if (!target) continue; // outside of the graph
      source.outbound.push(target);
      target.inbound++;
      edges.push({ source, target });
    }
  }
  return edges;
}

/** Stock keeps constructs in an object with their paths as keys, and such an object enumerates whole numbers first. */
function inOrderOfStock(constructs: IConstruct[], root: IConstruct): IConstruct[] {
  if (root.node.scope) return constructs;
  const numbered = root.node.children.filter(({ node }) => Object.keys({ '': 0, [node.id]: 0 })[0] === node.id);
  return numbered.length === 0 ? constructs : [...new Set([...numbered, ...constructs])];
}

/** Without recursion, so that a long chain of dependencies does not exhaust the stack. */
function visit(start: Vertex, sorted: IConstruct[], edges: Edge[]): void {
  const open = [start];
  start.state = 'open';
  while (open.length > 0) {
    const vertex = open[open.length - 1];
    if (vertex.followed === vertex.outbound.length) {
      vertex.state = 'sorted';
      sorted.push(vertex.construct);
      open.pop();
      continue;
    }
    const target = vertex.outbound[vertex.followed++];
    if (target.state === 'unseen') {
      target.state = 'open';
      open.push(target);
    } else if (target.state === 'open') {
      refuseCycle(edges);
      throw cycleError([target, target]);
    }
  }
}

/** Throws for the edge at which stock, adding one after the other, would have stopped; does nothing if only self-dependencies exist. */
function refuseCycle(edges: Edge[]): void {
  if (isAcyclic(edges)) return;
  let acyclic = 0;
  let cyclic = edges.length;
  while (cyclic - acyclic > 1) {
    const middle = (acyclic + cyclic) >> 1;
    if (isAcyclic(edges.slice(0, middle))) acyclic = middle;
    else cyclic = middle;
  }
  const { source, target } = edges[acyclic];
  throw cycleError([...routeOfStock(target, source, edges.slice(0, acyclic)), target]);
}

function cycleError(cycle: Vertex[]): Error {
  return new Error(`Dependency cycle detected: ${cycle.map((vertex) => vertex.construct.node.path).join(' => ')}`);
}

/** Removes vertices without dependants until none is left; a self-dependency does not count. */
function isAcyclic(edges: Edge[]): boolean {
  const inbound = new Map<Vertex, number>();
  const outbound = neighbours(edges, 'source', 'target');
  for (const [source, targets] of outbound) {
    inbound.set(source, inbound.get(source) ?? 0);
    for (const target of targets) inbound.set(target, (inbound.get(target) ?? 0) + 1);
  }
  const free = [...inbound.keys()].filter((vertex) => inbound.get(vertex) === 0);
  for (const vertex of free) {
    for (const target of outbound.get(vertex) ?? []) {
      const left = inbound.get(target)! - 1;
      inbound.set(target, left);
      if (left === 0) free.push(target);
    }
  }
  return free.length === inbound.size;
}

function neighbours(edges: Edge[], from: keyof Edge, to: keyof Edge): Map<Vertex, Set<Vertex>> {
  const result = new Map<Vertex, Set<Vertex>>();
  for (const edge of edges) {
    if (edge.source === edge.target) continue;
    const known = result.get(edge[from]);
    if (known) known.add(edge[to]);
    else result.set(edge[from], new Set([edge[to]]));
  }
  return result;
}

/**
 * The route that `cdk8s.DependencyVertex` prints. It goes on searching after a hit and then forgets the wrong steps, so the text may name
 * constructs beside the cycle or lack some on it; what cannot reach `to` leaves no trace and is skipped.
 */
function routeOfStock(from: Vertex, to: Vertex, edges: Edge[]): Vertex[] {
  const outbound = neighbours(edges, 'source', 'target');
  const inbound = neighbours(edges, 'target', 'source');
  const leading = new Set([to]);
  for (const vertex of leading) {
    for (const source of inbound.get(vertex) ?? []) leading.add(source);
  }
  const dependencies = (vertex: Vertex) => ({ vertices: [...(outbound.get(vertex) ?? [])], next: 0, found: false });
  const route = [from];
  const open = [dependencies(from)];
  let direct: Vertex[] | undefined;
  for (let step = 0; open.length > 0; step++) {
    if (step > MAX_ROUTE_STEPS && direct) return direct;
    const frame = open[open.length - 1];
    const vertex = frame.vertices[frame.next++];
    if (vertex !== undefined && vertex !== to) {
      frame.found = false;
      if (!leading.has(vertex)) continue;
      route.push(vertex);
      open.push(dependencies(vertex));
      continue;
    }
    if (vertex === to) {
      route.push(to);
      direct ??= [...route];
      frame.found = true;
    } else if (!frame.found) {
      route.pop();
    }
    open.pop();
    if (open.length > 0) open[open.length - 1].found = frame.found;
  }
  return route;
}
