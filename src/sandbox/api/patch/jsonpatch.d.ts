/** The part of the untyped package jsonpatch that is used. */
declare module 'jsonpatch' {
  interface JsonPatch {
    /** Applies an RFC 6902 patch to a copy. @throws InvalidPatch, PatchApplyError */
    apply_patch(document: unknown, patch: readonly unknown[]): unknown
  }
  const jsonpatch: JsonPatch
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS and is imported as its default
  export default jsonpatch
}
