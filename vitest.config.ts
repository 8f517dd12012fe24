import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need a control plane: npm run test:controlplane.
    exclude: ['test/controlplane/**', 'test/helm/**', 'test/gitops/**'],
    pool: 'forks',
    // Scenarios wait more than they compute: more of them at a time than there are cores.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Scenarios live in real time; a machine that stalls for seconds may break one. .ci/run names those it was done for.
    retry: process.env.CI === 'true' ? 1 : 0,
    // The sandbox's cluster library has imports without file extensions; this hook resolves them.
    execArgv: ['--import', './src/sandbox/resolve-hook.ts'],
  },
})
