import { describe, expect, test } from 'vitest'
import { runShell } from '../../../../src/sandbox/simulation/shell/interpreter.ts'
import type { HttpAnswer, HttpQuestion, Machine } from '../../../../src/sandbox/simulation/shell/machine.ts'
import { PROGRAMS } from '../../../../src/sandbox/simulation/shell/programs.ts'

const ANSWERS: Readonly<Record<string, HttpAnswer>> = {
  'http://shop': { status: 200, header: { 'X-Version': ['v2'] }, body: 'v2\n' },
  'http://shop/broken': { status: 500, body: 'v2 failed\n' },
}

/** A container in which time passes at once, with two URLs in its network. */
function machineWith(files: Map<string, string>, questions: [string, HttpQuestion][]): Machine {
  return {
    environment: new Map([
      ['NAME', 'shop'],
      ['EMPTY', ''],
      ['SPACED', 'a  b'],
    ]),
    hostname: 'pod-1',
    readFile: path => files.get(path),
    writeFile: (path, text) => void files.set(path, text),
    removeFile: path => void files.delete(path),
    sleep: milliseconds => (milliseconds < 60_000 ? Promise.resolve() : new Promise(() => undefined)),
    now: () => 1_700_000_000_000,
    fetch: async (url, question) => {
      questions.push([url, question])
      if (url === 'http://slow') return new Promise(() => undefined)
      const answer = ANSWERS[url]
      if (answer) return answer
      const code = url.includes('closed') ? 'ECONNREFUSED' : 'ENOTFOUND'
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })
    },
  }
}

async function run(source: string) {
  const files = new Map([['/etc/motd', 'one\ntwo\nthree\n']])
  const questions: [string, HttpQuestion][] = []
  let stdout = ''
  let stderr = ''
  const code = await runShell(source, machineWith(files, questions), PROGRAMS, {
    stdin: '',
    stdout: text => {
      stdout += text
    },
    stderr: text => {
      stderr += text
    },
  })
  return { code, stdout, stderr, files, questions }
}

describe('what a script prints', () => {
  test.each([
    ['words are joined by one space', 'echo a   b', 'a b\n'],
    ['commands follow each other', 'echo a; echo b', 'a\nb\n'],
    ['lines follow each other, comments are skipped', 'echo a # no\n# no\necho b', 'a\nb\n'],
    ['&& goes on after success', 'true && echo yes', 'yes\n'],
    ['&& stops after failure', 'false && echo yes', ''],
    ['|| goes on after failure', 'false || echo no', 'no\n'],
    ['a chain takes the right branch', 'false && echo yes || echo no', 'no\n'],
    ['single quotes keep everything', 'echo \'$NAME  "x"\'', '$NAME  "x"\n'],
    ['double quotes keep spaces and expand', 'echo "$NAME  x"', 'shop  x\n'],
    ['unquoted values are split', 'echo $SPACED', 'a b\n'],
    ['quoted values are not', 'echo "$SPACED"', 'a  b\n'],
    ['an empty value vanishes', 'echo a $EMPTY b', 'a b\n'],
    ['a default fills in', `echo \${MISSING:-none} \${NAME:-none}`, 'none shop\n'],
    ['a variable is set and read', 'X=1; echo $X', '1\n'],
    ['the status of the last command', 'false; echo $?', '1\n'],
    ['the output of a command is a value', 'echo "<$(echo a; echo b)>"', '<a\nb>\n'],
    ['outputs nest', 'echo $(echo $(echo deep))', 'deep\n'],
    ['arithmetic', 'X=3; echo $((X * (2 + 1))) $((7 / 2)) $((1 < 2))', '9 3 1\n'],
    ['pipes', 'cat /etc/motd | grep -v two | wc -l', '2\n'],
    ['if, elif, else', 'if false; then echo a; elif true; then echo b; else echo c; fi', 'b\n'],
    ['for', 'for x in a b; do echo $x; done', 'a\nb\n'],
    ['for over an output', 'for x in $(seq 1 3); do printf "%s," $x; done', '1,2,3,'],
    ['while counts', 'i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i', '3\n'],
    [
      'until, break and continue',
      'i=0; until false; do i=$((i+1)); [ $i = 2 ] && continue; [ $i -ge 4 ] && break; echo $i; done',
      '1\n3\n',
    ],
    ['a subshell keeps its variables', 'X=1; (X=2; echo $X); echo $X', '2\n1\n'],
    ['a group shares them', 'X=1; { X=2; }; echo $X', '2\n'],
    ['files are written, appended and read', 'echo a > /f; echo b >> /f; cat < /f', 'a\nb\n'],
    ['errors can go with the output', 'nothing 2>&1 | grep -c found', '1\n'],
    ['output can go nowhere', 'echo a > /dev/null', ''],
    ['escapes and line joins', 'echo a\\ \\$x \\\n b', 'a $x b\n'],
    ['head and tail', 'head -n 1 /etc/motd; tail -1 /etc/motd', 'one\nthree\n'],
    ['reserved words are plain words as arguments', 'echo if then done', 'if then done\n'],
    ['a variable for one command only', 'Y=2 printenv Y; echo "<$Y>"', '2\n<>\n'],
  ])('%s', async (_sentence, source, expected) => {
    const { stdout, stderr } = await run(source)
    expect({ stdout, stderr }).toEqual({ stdout: expected, stderr: '' })
  })
})

describe('how a script ends', () => {
  test.each([
    ['an empty script succeeds', '', 0],
    ['the last command decides', 'false; true', 0],
    ['exit ends it', 'exit 3; echo never', 3],
    ['exit inside a loop ends it all', 'for x in a b; do exit 4; done', 4],
    ['exit in a subshell ends only that', '(exit 4); exit 5', 5],
    ['! turns it round', '! true', 1],
    ['without set -e a failure is passed over', 'false; echo on', 0],
    ['with set -e it ends the script', 'set -e; false; echo on', 1],
    ['set -e passes over conditions', 'set -e; if false; then :; fi; false || true; ! true; exit 6', 6],
    ['set -e in an assignment', 'set -e; x=$(false); exit 0', 1],
    ['an unknown command is 127', 'no-such-thing', 127],
    ['a script that cannot be read is 2', 'if true; then', 2],
    ['open quotes are 2', 'echo "a', 2],
    ['a program found by path', '/bin/true', 0],
    ['test compares text', 'test a = b', 1],
    ['test compares numbers', '[ 10 -gt 9 ]', 0],
    ['test joins conditions', '[ -n "$NAME" -a ! -z "$NAME" ]', 0],
    ['test without ] is misuse', '[ a = a', 2],
    ['test wants numbers', '[ a -gt 1 ]', 2],
    ['grep that finds nothing', 'echo a | grep -q b', 1],
  ])('%s', async (_sentence, source, code) => {
    expect((await run(source)).code).toBe(code)
  })
})

describe('curl and wget', () => {
  test.each([
    ['curl prints the body', 'curl -s http://shop', 0, 'v2\n', ''],
    ['the scheme may be left out', 'curl shop', 0, 'v2\n', ''],
    ['a 500 is a success without -f', 'curl -s http://shop/broken', 0, 'v2 failed\n', ''],
    [
      'with -f it is 22',
      'curl -fsS http://shop/broken',
      22,
      '',
      'curl: (22) The requested URL returned error: 500\n',
    ],
    ['--fail-with-body shows it too', 'curl -s --fail-with-body shop/broken', 22, 'v2 failed\n', ''],
    ['the status code alone', 'curl -s -o /dev/null -w "%{http_code}" shop/broken', 0, '500', ''],
    ['headers', 'curl -si shop', 0, 'HTTP/1.1 200\r\nX-Version: v2\r\n\r\nv2\n', ''],
    ['nobody of that name', 'curl -sS http://nowhere', 6, '', 'curl: (6) Could not resolve host: nowhere\n'],
    ['nobody listens', 'curl -s http://closed:81', 7, '', ''],
    ['too slow', 'curl -s -m 1 http://slow', 28, '', ''],
    [
      'an option that we do not know',
      'curl --proxy x http://shop',
      2,
      '',
      'curl: option --proxy: is unknown to the sandbox\n',
    ],
    ['wget prints the body', 'wget -qO- http://shop', 0, 'v2\n', ''],
    ['wget in two words', 'wget -q -O - shop', 0, 'v2\n', ''],
    [
      'wget fails on a 500',
      'wget -qO- http://shop/broken',
      1,
      '',
      'wget: server returned error: HTTP/1.1 500\n',
    ],
    ['wget --spider only asks', 'wget -q --spider shop', 0, '', ''],
    ['wget -T', 'wget -T 1 -qO- http://slow', 1, '', 'wget: download timed out\n'],
    ['a smoke test that passes', 'test "$(curl -s shop)" = v2 && echo ok', 0, 'ok\n', ''],
  ])('%s', async (_sentence, source, code, stdout, stderr) => {
    expect(await run(source)).toMatchObject({ code, stdout, stderr })
  })

  test('curl sends what it is told', async () => {
    const { questions } = await run(`curl -X PUT -H 'X-A: 1' -d a=b -d c=d shop`)
    expect(questions).toEqual([
      [
        'http://shop',
        {
          method: 'PUT',
          headers: expect.arrayContaining([['X-A', '1']]),
          body: 'a=b&c=d',
        },
      ],
    ])
  })

  test('curl --retry asks again after a failure', async () => {
    const { questions, code } = await run('curl -s --retry 2 http://closed')
    expect([questions.length, code]).toEqual([3, 7])
  })
})

test('a file that a script writes is there afterwards', async () => {
  const { files } = await run('echo reason > /dev/termination-log')
  expect(files.get('/dev/termination-log')).toBe('reason\n')
})
