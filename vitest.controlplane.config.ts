import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What was allowed and not used is known when all scenarios have run. */
class PermissionsLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLast = ({ moduleId }: TestSpecification) => moduleId.endsWith('permissions.test.ts')
    const sorted = await super.sort(files)
    const { testNamePattern, shard } = this.ctx.config
    const all = await this.ctx.globTestSpecifications()
    const everyFileRuns = files.length === all.length && !testNamePattern && !shard
    for (const project of this.ctx.projects) project.provide('everyFileRuns', everyFileRuns)
    return [...sorted.filter(file => !isLast(file)), ...sorted.filter(isLast)]
  }
}

/** The scenarios on a real control plane, and what only that can tell. */
export default defineConfig({
  test: {
    include: [
      'test/scenarios/**/*.test.ts',
      'test/controlplane/**/*.test.ts',
      'test/helm/**/*.test.ts',
      'test/gitops/**/*.test.ts',
    ],
    pool: 'forks',
    globalSetup: ['test/controlplane/setup.ts'],
    // One control plane for all: a file of scenarios kills the controller, which the next one must not notice.
    fileParallelism: false,
    sequence: { sequencer: PermissionsLast },
    env: { CANARYHOOK_ENVIRONMENT: 'controlplane' },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // As in vitest.config.ts.
    retry: process.env.CI === 'true' ? 1 : 0,
    execArgv: ['--import', './src/sandbox/resolve-hook.ts'],
  },
})
