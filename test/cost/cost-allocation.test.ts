import { App, Lazy, Stack } from 'aws-cdk-lib';
import { App as Cdk8sApp, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import fc from 'fast-check';
import { AllocationKeys } from '../../lib/cost/allocation-keys';
import { CostAllocation, type CostAllocationProps } from '../../lib/cost/cost-allocation';

const RADAR: CostAllocationProps = { team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' };

function codesOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    return (error as { violations: { code: string; subject: string }[] }).violations.map(({ code, subject }) => `${code} ${subject}`);
  }
  return [];
}

describe('a cost allocation', () => {
  test('is the same pairs as tags and as labels', () => {
    const allocation = new CostAllocation(RADAR);
    const pairs = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1042', environment: 'prod' };
    expect(allocation.tags()).toEqual(pairs);
    expect(allocation.labels()).toEqual(pairs);
  });

  test('cannot be changed through what it returns', () => {
    const allocation = new CostAllocation(RADAR);
    allocation.tags().team = 'other';
    expect(allocation.tags().team).toBe('fraud-ml');
  });

  test.each([
    ['empty', ''],
    ['over 63 characters', 'a'.repeat(64)],
    ['with a space', 'fraud ml'],
    ['beginning with a dash', '-fraud'],
    ['ending with a dot', 'fraud.'],
    ['with a slash, legal in tags only', 'fraud/ml'],
    ['with an umlaut', 'betrüger'],
    ['with a line break', 'fraud\n'],
  ])('fails with a team name %s', (_why, team) => {
    expect(codesOf(() => new CostAllocation({ ...RADAR, team }))).toEqual(['Millrace.CostAllocationValueInvalid team']);
  });

  test('accepts a name of exactly 63 characters', () => {
    expect(new CostAllocation({ ...RADAR, team: 'a'.repeat(63) }).tags().team).toHaveLength(63);
  });

  test('fails with every bad value together', () => {
    expect(codesOf(() => new CostAllocation({ team: '', service: ' ', costCenter: 'ü', environment: '-' }))).toEqual([
      'Millrace.CostAllocationValueInvalid team',
      'Millrace.CostAllocationValueInvalid service',
      'Millrace.CostAllocationValueInvalid costCenter',
      'Millrace.CostAllocationValueInvalid environment',
    ]);
  });

  test('fails with a token, which nobody can validate', () => {
    expect(codesOf(() => new CostAllocation({ ...RADAR, team: Lazy.string({ produce: () => 'x' }) }))).toEqual([
      'Millrace.TokenRefused team',
    ]);
  });

  test('fails without a value that plain JavaScript left out', () => {
    const { team: _team, ...rest } = RADAR;
    expect(codesOf(() => new CostAllocation(rest as CostAllocationProps))).toEqual(['Millrace.CostAllocationKeyMissing team']);
  });

  test('fails with a key that the vocabulary does not know', () => {
    expect(codesOf(() => new CostAllocation({ ...RADAR, additional: { produkt: 'x' } }))).toEqual([
      "Millrace.CostAllocationKeyUnknown additional['produkt']",
    ]);
  });

  test('fails with a second value for a named key', () => {
    expect(codesOf(() => new CostAllocation({ ...RADAR, additional: { team: 'x' } }))).toEqual([
      "Millrace.CostAllocationKeyRepeated additional['team']",
    ]);
  });

  test('fails without a key that the vocabulary requires, and takes the optional ones', () => {
    const keys = new AllocationKeys({ costCenter: 'acme.com/cost-center', required: ['product'], optional: ['owner'] });
    expect(codesOf(() => new CostAllocation({ ...RADAR, keys }))).toEqual(["Millrace.CostAllocationKeyMissing additional['product']"]);
    expect(new CostAllocation({ ...RADAR, keys, additional: { product: 'cards', owner: 'ada' } }).tags()).toEqual({
      team: 'fraud-ml',
      service: 'radar',
      'acme.com/cost-center': 'CC-1042',
      environment: 'prod',
      product: 'cards',
      owner: 'ada',
    });
  });

  test('round-trips any valid value to a tag and a label that both sides accept', () => {
    const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'];
    const value = fc
      .tuple(
        fc.constantFrom(...letters),
        fc.string({ unit: fc.constantFrom(...letters, '-', '_', '.'), maxLength: 61 }),
        fc.constantFrom(...letters),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(value, value, value, value, (team, service, costCenter, environment) => {
        const allocation = new CostAllocation({ team, service, costCenter, environment });
        for (const [key, text] of Object.entries(allocation.tags())) {
          expect(text).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u);
          expect(allocation.labels()[key]).toBe(text);
          expect(text).toMatch(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/);
          expect(text.length).toBeLessThanOrEqual(63);
        }
        expect(Object.values(allocation.tags())).toEqual([team, service, costCenter, environment]);
      }),
    );
  });

  test('fails with any value that Kubernetes would refuse', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (team) => {
        const legal = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(team);
        expect(codesOf(() => new CostAllocation({ ...RADAR, team })).length === 0).toBe(legal);
      }),
    );
  });
});

describe('a vocabulary', () => {
  test.each([
    ['aws:team'],
    ['a b'],
    ['/team'],
    ['kubernetes.io/team'],
    ['app.k8s.io/team'],
    ['Acme.com/team'],
    ['a/b/c'],
    [''],
    ['x'.repeat(64)],
    [`${'a'.repeat(80)}.com/${'b'.repeat(60)}`],
  ])('fails with the key %p', (team) => {
    expect(codesOf(() => new AllocationKeys({ team }))).toEqual(['Millrace.AllocationKeyInvalid key 1']);
  });

  test('fails with a repeated key', () => {
    expect(codesOf(() => new AllocationKeys({ optional: ['team'] }))).toEqual(['Millrace.AllocationKeyRepeated key 5']);
  });

  test('requires team, service, cost-center and environment by default', () => {
    expect(AllocationKeys.DEFAULT.required).toEqual(['team', 'service', 'cost-center', 'environment']);
    expect(AllocationKeys.DEFAULT.optional).toEqual([]);
  });
});

describe('applying an allocation', () => {
  test('fails for a second allocation on one scope, on both flavours', () => {
    const chart = new Chart(new Cdk8sApp(), 'chart');
    for (const scope of [new Stack(new App(), 'Stack'), chart]) {
      new CostAllocation(RADAR).applyTo(scope);
      expect(codesOf(() => new CostAllocation({ ...RADAR, team: 'other' }).applyTo(scope))).toEqual([
        'Millrace.CostAllocationTwice applyTo',
      ]);
      expect(CostAllocation.of(scope)?.tags().team).toBe('fraud-ml');
    }
  });

  test('fails for a construct in neither tree', () => {
    const lonely = new Construct(undefined as never, 'x');
    expect(codesOf(() => new CostAllocation(RADAR).applyTo(lonely))).toEqual(['Millrace.CostAllocationScopeUnknown applyTo']);
  });

  test('is found from below and by nobody beside', () => {
    const app = new App();
    const [stack, sibling] = [new Stack(app, 'A'), new Stack(app, 'B')];
    const inner = new Construct(stack, 'Inner');
    const other = new CostAllocation({ ...RADAR, team: 'other' });
    const allocation = new CostAllocation(RADAR);
    allocation.applyTo(stack);
    other.applyTo(inner);
    expect(CostAllocation.of(new Construct(inner, 'Leaf'))).toBe(other);
    expect(CostAllocation.of(new Construct(stack, 'Leaf'))).toBe(allocation);
    expect([CostAllocation.of(sibling), CostAllocation.of(app)]).toEqual([undefined, undefined]);
  });
});
