/** Who may talk to the sandbox: four fixed users with random tokens. There is no authorization behind them. */
import { randomBytes } from 'node:crypto'

export type UserName = 'admin' | 'controller' | 'alice' | 'bob'

/** The userInfo of an AdmissionReview. */
export interface User {
  readonly username: string
  readonly uid: string
  readonly groups: readonly string[]
}

export const CONTROLLER_USERNAME = 'system:serviceaccount:canaryhook:canaryhook'

const AUTHENTICATED = 'system:authenticated'

const USERS: Readonly<Record<UserName, User>> = {
  admin: { username: 'admin', uid: '', groups: ['system:masters', AUTHENTICATED] },
  controller: {
    username: CONTROLLER_USERNAME,
    uid: '7c1f7a0e-0000-4000-8000-000000000001',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:canaryhook', AUTHENTICATED],
  },
  alice: { username: 'alice', uid: '', groups: ['developers', AUTHENTICATED] },
  bob: { username: 'bob', uid: '', groups: ['sre', AUTHENTICATED] },
}

/** The tokens of one sandbox. */
export class Tokens {
  readonly #tokens: Readonly<Record<UserName, string>>

  constructor() {
    const make = () => randomBytes(16).toString('hex')
    this.#tokens = { admin: make(), controller: make(), alice: make(), bob: make() }
  }

  of(user: UserName): string {
    return this.#tokens[user]
  }

  /** The user of an Authorization header, undefined when it names none. */
  authenticate(authorization: string | undefined): User | undefined {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
    const names = Object.keys(this.#tokens) as UserName[]
    const name = names.find(candidate => this.#tokens[candidate] === token)
    return name === undefined ? undefined : USERS[name]
  }
}
