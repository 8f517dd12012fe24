import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { VERSION } from '../../src/core/version.ts'

test('the version that answers name is the version of the package', () => {
  expect(VERSION).toBe(packageJson.version)
})
