import { Bitrate, Duration, Lazy, Size, Token } from 'aws-cdk-lib';
import { Lazy as Cdk8sLazy } from 'cdk8s';
import fc from 'fast-check';
import type { MillraceError } from '../../lib/core/error';
import { show, violationMessage } from '../../lib/core/error';
import { type Rule, enforce, isPositive, isPositiveInteger, violationsOf } from '../../lib/core/rule';
import { isToken } from '../../lib/core/token';

interface Props {
  readonly name?: string;
  readonly count?: number;
}

const RULES: Rule<Props>[] = [
  {
    code: 'Millrace.NameInvalid',
    subject: 'name',
    value: (props) => props.name,
    valid: (name: string) => /^[a-z]+$/.test(name),
    allowed: 'lower-case letters',
    fix: 'rename it',
  },
  {
    code: 'Millrace.CountInvalid',
    subject: 'count',
    value: (props) => props.count,
    valid: isPositiveInteger,
    allowed: (props) => `a whole number above zero (name: ${props.name})`,
    fix: (props) => `count ${props.name} again`,
    tokens: 'refuse',
  },
];

function thrownBy(work: () => unknown): MillraceError {
  try {
    work();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('nothing was thrown');
}

describe('a rule table', () => {
  test('reports every violation together, each with its code, what was received, what is allowed and how to fix it', () => {
    const error = thrownBy(() => enforce('Thing', { name: 'B4d', count: 0 }, RULES));
    expect(error.name).toBe('MillraceError');
    expect(error.code).toBe('Millrace.NameInvalid');
    expect(error.violations).toEqual([
      { code: 'Millrace.NameInvalid', subject: 'name', received: "'B4d'", allowed: 'lower-case letters', fix: 'rename it' },
      {
        code: 'Millrace.CountInvalid',
        subject: 'count',
        received: '0',
        allowed: 'a whole number above zero (name: B4d)',
        fix: 'count B4d again',
      },
    ]);
    expect(error.message).toBe(
      'Thing: 2 violations\n' +
        "  Millrace.NameInvalid: name: received 'B4d'; allowed: lower-case letters; fix: rename it\n" +
        '  Millrace.CountInvalid: count: received 0; allowed: a whole number above zero (name: B4d); fix: count B4d again',
    );
  });

  test('writes a single violation on one line', () => {
    const error = thrownBy(() => enforce('Thing', { name: '' }, RULES));
    expect(error.message).toBe("Thing: Millrace.NameInvalid: name: received ''; allowed: lower-case letters; fix: rename it");
  });

  test('passes valid props and props that are not set', () => {
    expect(violationsOf({ name: 'a', count: 1 }, RULES)).toEqual([]);
    expect(violationsOf({}, RULES)).toEqual([]);
  });

  test('takes a token on trust where the value decides nothing at synth', () => {
    expect(violationsOf({ name: Lazy.string({ produce: () => '!!' }) }, RULES)).toEqual([]);
  });

  test('fails a token where the value decides what is synthesized, once a property', () => {
    const found = violationsOf({ count: Lazy.number({ produce: () => 3 }) }, [...RULES, RULES[1]]);
    expect(found.map(({ code, subject }) => [code, subject])).toEqual([['Millrace.TokenRefused', 'count']]);
  });
});

describe('token detection without loading a framework', () => {
  test.each([
    ['a string token', Lazy.string({ produce: () => 'x' })],
    ['a string with a token inside', `a-${Token.asString({ Ref: 'X' })}-b`],
    ['a number token', Token.asNumber({ Ref: 'X' })],
    ['a list token', Token.asList({ Ref: 'X' })],
    ['an intrinsic', Token.asAny({ Ref: 'X' })],
    ['a duration of a token', Duration.seconds(Token.asNumber({ Ref: 'X' }))],
    ['a size of a token', Size.gibibytes(Token.asNumber({ Ref: 'X' }))],
    ['a bit rate of a token', Bitrate.bps(Token.asNumber({ Ref: 'X' }))],
    ['a cdk8s lazy', Cdk8sLazy.any({ produce: () => 1 })],
  ])('sees %s', (_name, value) => expect(isToken(value)).toBe(true));

  test.each([
    ['x'],
    [0],
    [-1.5],
    [NaN],
    [Infinity],
    [-Infinity],
    [null],
    [undefined],
    [{}],
    [['a']],
    [Duration.days(1)],
    [Size.gibibytes(1)],
    [Bitrate.bps(1)],
  ])('does not see one in %p', (value) => expect(isToken(value)).toBe(false));

  test('sees no token in any ordinary number', () => {
    fc.assert(fc.property(fc.double(), (value) => isToken(value) === Token.isUnresolved(value)));
  });
});

describe('how a received value is shown', () => {
  test.each([
    [undefined, 'nothing'],
    ['a', "'a'"],
    ['x'.repeat(100), `'${'x'.repeat(77)}...' (100 characters)`],
    [NaN, 'NaN'],
    [[1, 'a'], "[1, 'a']"],
    [Duration.days(2), '2 days'],
    [Size.mebibytes(1), '1048576 bytes'],
    [Size.kibibytes(1 / 1000), '1.024 bytes'],
    [Bitrate.kbps(1), '1000 bit/s'],
    [{ a: 1 }, '{"a":1}'],
    [Duration.seconds(NaN), 'NaN ms'],
    [10n, '10'],
    [Symbol('a'), 'Symbol(a)'],
    [() => 1, 'a function'],
    [{ toJSON: () => undefined }, 'an unreadable object'],
    [{ count: 10n }, 'an unreadable object'],
  ])('%p as %s', (value, text) => expect(show(value)).toBe(text));

  test('a violation for node.addValidation reads like the thrown one', () => {
    const message = violationMessage({ code: 'Millrace.X', subject: 'a', received: 'b', allowed: 'c', fix: 'd' });
    expect(message).toBe('Millrace.X: a: received b; allowed: c; fix: d');
  });
});

test('zero, negative numbers, NaN and infinity are not positive', () => {
  for (const value of [0, -1, NaN, Infinity, -Infinity]) {
    expect([isPositive(value), isPositiveInteger(value)]).toEqual([false, false]);
  }
  expect([isPositive(0.5), isPositiveInteger(0.5), isPositiveInteger(2)]).toEqual([true, false, true]);
});
