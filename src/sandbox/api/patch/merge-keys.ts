/**
 * Which lists a strategic merge patch merges instead of replacing, and by which field: the patchStrategy and
 * patchMergeKey tags of k8s.io/api. Written by field name, with the kind of parent where the name alone is
 * not enough.
 */

/** How one list is merged: objects by a key, or plain values as a set. */
export type ListMerge = { readonly by: string } | 'set'

const BY_FIELD: Readonly<Record<string, ListMerge>> = {
  'metadata.ownerReferences': { by: 'uid' },
  'metadata.finalizers': 'set',
  containers: { by: 'name' },
  initContainers: { by: 'name' },
  ephemeralContainers: { by: 'name' },
  env: { by: 'name' },
  volumes: { by: 'name' },
  volumeMounts: { by: 'mountPath' },
  volumeDevices: { by: 'devicePath' },
  imagePullSecrets: { by: 'name' },
  hostAliases: { by: 'ip' },
  topologySpreadConstraints: { by: 'topologyKey' },
  resourceClaims: { by: 'name' },
  schedulingGates: { by: 'name' },
  conditions: { by: 'type' },
  podIPs: { by: 'ip' },
  hostIPs: { by: 'ip' },
  addresses: { by: 'type' },
  taints: { by: 'key' },
  secrets: { by: 'name' },
  webhooks: { by: 'name' },
  matchConditions: { by: 'name' },
  'spec.finalizers': 'set',
  podCIDRs: 'set',
}

/**
 * The rule for the list at `path` (field names, without list positions), or undefined when it is replaced.
 */
export function listMerge(path: readonly string[]): ListMerge | undefined {
  const field = path.at(-1) ?? ''
  const parent = path.at(-2) ?? ''
  // Ports of a container have their own key, those of a Service theirs.
  if (field === 'ports')
    return parent === 'containers' || parent === 'initContainers'
      ? { by: 'containerPort' }
      : parent === 'spec'
        ? { by: 'port' }
        : undefined
  return BY_FIELD[`${parent}.${field}`] ?? BY_FIELD[field]
}
