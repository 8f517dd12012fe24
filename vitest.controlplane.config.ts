import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What was allowed and not used is known only when all scenarios have run. */
class TellsWhetherAllRun extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { testNamePattern, shard } = this.ctx.config
    const all = await this.ctx.globTestSpecifications()
    const everyFileRuns = files.length === all.length && !testNamePattern && !shard
    for (const project of this.ctx.projects) project.provide('everyFileRuns', everyFileRuns)
    return super.sort(files)
  }
}

/** They ask the audit logs what all others have done. */
const LAST = ['test/controlplane/permissions.test.ts', 'test/controlplane/writes.test.ts']

const common = {
  pool: 'forks' as const,
  env: { CANARYHOOK_ENVIRONMENT: 'controlplane' },
  testTimeout: 20_000,
  hookTimeout: 60_000,
  // As in vitest.config.ts.
  retry: process.env.CI === 'true' ? 1 : 0,
  execArgv: ['--import', './src/sandbox/resolve-hook.ts'],
}

/** The scenarios on a real control plane, and what only that can tell. */
export default defineConfig({
  test: {
    globalSetup: ['test/controlplane/setup.ts'],
    sequence: { sequencer: TellsWhetherAllRun },
    // Two control planes, each with one file at a time: a file of scenarios kills the controller, which no other must
    // notice. They wait more than they compute; three would be too many for a machine with two cores.
    maxWorkers: process.env.USE_EXISTING_CLUSTER === 'true' ? 1 : 2,
    projects: [
      {
        test: {
          ...common,
          name: 'all',
          include: [
            'test/scenarios/**/*.test.ts',
            'test/controlplane/**/*.test.ts',
            'test/helm/**/*.test.ts',
            'test/gitops/**/*.test.ts',
          ],
          exclude: LAST,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...common, name: 'last', include: LAST, sequence: { groupOrder: 2 } } },
    ],
  },
})
