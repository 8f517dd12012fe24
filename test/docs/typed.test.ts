/** What the pages tell people to type. */
import { expect, test } from 'vitest'
import { PREFIX, readAnnotations, readCommand, STEPS } from '../../src/core/annotations.ts'
import { readPages } from './pages.ts'

const TYPED = /canaryhook\.dev\/(?<key>[\w-]+)=(?<value>[^\s'"`;]+|'[^']*'|"[^"]*")/g

const typed = readPages().flatMap(({ file, blocks }) =>
  blocks
    .filter(({ info }) => /^(?:sh\b|setup$)/.test(info))
    .flatMap(({ text, line }) =>
      [...text.matchAll(TYPED)].map(({ groups }) => ({
        where: `${file}:${line}`,
        key: groups?.key ?? '',
        value: (groups?.value ?? '').replace(/^['"]|['"]$/g, ''),
      })),
    ),
)

test.each(typed)('$where: $key=$value is understood', ({ key, value }) => {
  if (key === 'command') expect(readCommand(value)).toEqual({ command: value })
  else expect(readAnnotations({ [STEPS]: '10%', [PREFIX + key]: value })).toMatchObject({ kind: 'ok' })
})
