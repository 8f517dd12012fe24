/** The annotation that says where a test's Job comes from. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LONGEST_TEST, readTestSource, type TestSource } from '../../src/core/test-source.ts'

const image = 'curlimages/curl'

describe('a test comes from', () => {
  test.each<readonly [string, string, TestSource, string]>([
    ['a CronJob', 'cronjob/web-smoke', { kind: 'cronjob', name: 'web-smoke' }, 'cronjob/web-smoke'],
    ['a CronJob as kubectl writes it', 'cronjob.batch/a.b', { kind: 'cronjob', name: 'a.b' }, 'cronjob/a.b'],
    ['a CronJob in other letters', ' CronJobs/x\n', { kind: 'cronjob', name: 'x' }, 'cronjob/x'],
    ['an image', `image: ${image}`, { kind: 'inline', image }, `{"image":"${image}"}`],
    [
      'an image with all there is, as a block',
      `image: ${image}\ncommand:\n- sh\n- -c\nargs: [--fail, $(CANARY_URL)]\nenv:\n  RETRIES: 3\n`,
      {
        kind: 'inline',
        image,
        command: ['sh', '-c'],
        args: ['--fail', '$(CANARY_URL)'],
        env: { RETRIES: '3' },
      },
      `{"image":"${image}","command":["sh","-c"],"args":["--fail","$(CANARY_URL)"],"env":{"RETRIES":"3"}}`,
    ],
    [
      'an image whose variables are numbers and words of YAML, kept as they were written',
      `{image: ${image}, args: [1.10], env: {V: 1.10, YES: true, HEX: 0x1F, NONE: null, EMPTY: ""}}`,
      {
        kind: 'inline',
        image,
        args: ['1.10'],
        env: { V: '1.10', YES: 'true', HEX: '0x1F', NONE: 'null', EMPTY: '' },
      },
      `{"image":"${image}","args":["1.10"],"env":{"V":"1.10","YES":"true","HEX":"0x1F","NONE":"null","EMPTY":""}}`,
    ],
  ])('%s', (_sentence, value, source, text) => {
    expect(readTestSource(value)).toEqual({ source, text })
    expect(readTestSource(text)).toEqual({ source, text })
  })
})

describe('refused is', () => {
  test.each<readonly [string, string, RegExp]>([
    ['nothing', '', /^it is empty \(write cronjob\/NAME, or a mapping such as \{image: /],
    [
      'another kind of object',
      'job/web',
      /^"job\/web" is not a reference to a CronJob \(write cronjob\/NAME/,
    ],
    ['an image alone', image, /^"curlimages\/curl" is not a reference to a CronJob/],
    ['a CronJob without a name', 'cronjob/', /^"" is not the name of a CronJob/],
    [
      'a CronJob of another namespace',
      'cronjob/a/b',
      /^"a\/b" is not the name of a CronJob of this namespace/,
    ],
    ['a name that is too long', `cronjob/${'a'.repeat(53)}`, /is not the name of a CronJob/],
    ['a word', 'smoke', /^"smoke" is neither cronjob\/NAME nor a mapping/],
    ['a list', '[a, b]', /^"\[a, b\]" is neither cronjob\/NAME nor a mapping/],
    ['broken YAML', '{image: a', /^"\{image: a" is not YAML: Flow map must end with a \}/],
    ['a field twice', '{image: a, image: b}', /is not YAML: Map keys must be unique/],
    ['an alias of nothing', '{image: *a}', /is not YAML: Unresolved alias/],
    ['several documents', 'image: a\n---\nimage: b', /^it has 2 YAML documents/],
    ['a mapping without an image', 'args: [a]', /: 1 error\n {2}image: missing$/],
    ['an image that is none', 'image: "a b"', /image: is not the name of an image$/],
    [
      'a command that is text',
      '{image: a, command: npm test}',
      /command: is not a list \(write command: \[npm, test\]\)$/,
    ],
    [
      'args that are a line of a shell',
      '{image: a, args: "curl $CANARY_URL | grep ok"}',
      /args: is not a list \(write command: \[sh, -c, "curl \$CANARY_URL \| grep ok"\]\)$/,
    ],
    [
      'args that are words with a variable',
      '{image: a, args: --fail $(CANARY_URL)}',
      /args: is not a list \(write args: \[--fail, "\$\(CANARY_URL\)"\]\)$/,
    ],
    ['an empty command', '{image: a, command: []}', /command: is an empty list \(leave it out\)$/],
    ['a list in a list', '{image: a, args: [b, [c]]}', /args 2: is not a single value$/],
    [
      'variables as a list',
      '{image: a, env: [B=c]}',
      /env: is not a mapping \(write \{NAME: value, OTHER: value\}\)$/,
    ],
    [
      'a variable that cannot be named so',
      '{image: a, env: {1B: c}}',
      /env 1B: is not the name of a variable$/,
    ],
    ['a text without an end', `image: ${'a'.repeat(LONGEST_TEST)}`, /^4007 characters are too many/],
  ])('%s', (_sentence, value, problem) => {
    expect(readTestSource(value)).toEqual({ problem: expect.stringMatching(problem) })
  })

  test('everything that is wrong with one mapping, in one answer', () => {
    expect(readTestSource('{comand: [npm], args: npm test, env: {A: [b]}, banana: c}')).toEqual({
      problem: [
        '"{comand: [npm], args: npm test, env: {A: [b]}, banana: c}": 5 errors',
        '  image: missing',
        '  args: is not a list (write args: [npm, test])',
        '  env A: is not a single value (numbers, true and false are taken as text)',
        '  "comand": unknown field; did you mean command?',
        '  "banana": unknown field (known are image, command, args, env)',
      ].join('\n'),
    })
  })
})

test('no text whatever makes it throw, and what it accepts reads back to the same', () => {
  const words = fc.array(fc.string(), { minLength: 1, maxLength: 3 })
  const mapping = fc.record(
    {
      image: fc.constant('a:1'),
      command: words,
      args: words,
      env: fc.dictionary(fc.constantFrom('A', 'B_1'), fc.string()),
    },
    { requiredKeys: ['image'] },
  )
  const anyValue = fc.oneof(
    fc.string(),
    fc.json(),
    mapping.map(one => JSON.stringify(one)),
  )
  let accepted = 0
  fc.assert(
    fc.property(anyValue, value => {
      const reading = readTestSource(value)
      if ('problem' in reading) {
        expect(reading.problem).not.toBe('')
        return
      }
      accepted += 1
      expect(readTestSource(reading.text)).toEqual(reading)
    }),
  )
  expect(accepted).toBeGreaterThan(10)
})
