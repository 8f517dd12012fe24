/**
 * `@ngrok/webernetes` is published with imports that have no file extension (`./foo`), which Node refuses.
 * This hook, loaded with `node --import`, tries such a specifier as it is, with `.js`, and as a folder's
 * `index.js`, but only for imports that come from inside that package.
 */
import { registerHooks } from 'node:module'

const PACKAGE = '/node_modules/@ngrok/webernetes/'

registerHooks({
  resolve(specifier, context, nextResolve) {
    const insidePackage = context.parentURL?.includes(PACKAGE) ?? false
    if (!insidePackage || !specifier.startsWith('.')) return nextResolve(specifier, context)
    let firstError: unknown
    for (const candidate of [specifier, `${specifier}.js`, `${specifier}/index.js`]) {
      try {
        return nextResolve(candidate, context)
      } catch (error) {
        firstError ??= error
      }
    }
    throw firstError
  },
})
