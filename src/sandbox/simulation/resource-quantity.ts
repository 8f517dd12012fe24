/** Kubernetes quantities: `100m`, `2`, `512Mi`, `1.5G`. */

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
}

/** @returns the plain number (cores, bytes, pieces), or undefined when the text is not a quantity */
export function parseQuantity(quantity: string | number): number | undefined {
  const [, amount, suffix] = /^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)([numkMGTP]?i?)$/.exec(String(quantity)) ?? []
  const factor = SUFFIXES[suffix ?? 'none']
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor
}
