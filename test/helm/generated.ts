/** Everything in this repository that is made of the chart. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { CHART, Helm } from './helm.ts'
import { manifestFiles } from './manifests.ts'
import { withValuesTable } from './values-table.ts'

/**
 * @param program Helm's path
 * @returns the files as they should be, by their path in the repository
 * @throws when the chart cannot be rendered, or a value is not described
 */
export async function generated(program: string): Promise<ReadonlyMap<string, string>> {
  const helm = await Helm.open(program)
  try {
    const rendered = await helm.done(['template', 'canaryhook', CHART, '--namespace', 'canaryhook'])
    const manifests = [...manifestFiles(rendered)].map(
      ([name, text]) => [`webhook-config/${name}`, text] as const,
    )
    return new Map([...manifests, ['helm/canaryhook/README.md', await readme()]])
  } finally {
    await helm.close()
  }
}

async function readme(): Promise<string> {
  const [text = '', values = '', schema = ''] = await Promise.all(
    ['README.md', 'values.yaml', 'values.schema.json'].map(name => readFile(join(CHART, name), 'utf8')),
  )
  return withValuesTable(text, parse(values), JSON.parse(schema))
}
