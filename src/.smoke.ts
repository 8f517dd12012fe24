import { writeFileSync } from 'node:fs'
import { pino } from '/work/main/node_modules/pino/pino.js'
import { startSandbox } from '/work/main/src/sandbox/sandbox.ts'
import { connect } from '/work/main/src/cluster/connect.ts'
import { deployments, pods } from '/work/main/src/cluster/resources.ts'
const s = await startSandbox()
writeFileSync('/tmp/smoke.kc', s.kubeconfig('admin'))
const rss = process.memoryUsage.rss()
const c = await connect('/tmp/smoke.kc', { log: pino({ level: 'debug' }) as never })
console.log('connect MB', (process.memoryUsage.rss() - rss) / 1e6)
const seen: string[] = []
const w = c.watch(deployments, { keep: d => d.metadata.annotations?.['x'] !== undefined }, ch => seen.push(`${ch.type} ${ch.object.metadata.name}@${ch.object.metadata.resourceVersion} p=${'previous' in ch ? ch.previous?.metadata.resourceVersion : ''}`))
await w.synced
const labels = { app: 'shop' }
const d = await c.create(deployments, 'default', { metadata: { name: 'shop', annotations: { x: '1' } }, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'shop:v1' }] } } } })
w.absorb(d)
const p = await c.patch(deployments, { namespace: 'default', name: 'shop' }, { type: 'merge', body: { spec: { replicas: 3 } } })
w.absorb(p)
await new Promise(r => setTimeout(r, 1500))
const st = await c.patch(deployments, { namespace: 'default', name: 'shop' }, { type: 'strategic', body: { status: { conditions: [{ type: 'Stalled', status: 'True', reason: 'R', message: 'm' }] } } }, 'status')
console.log(JSON.stringify(st.status))
try { await c.create(deployments, 'default', d) } catch (e) { console.log((e as any).code, (e as any).message) }
try { await c.patch(deployments, { namespace: 'default', name: 'shop' }, { type: 'merge', body: { metadata: { resourceVersion: '1' } } }) } catch (e) { console.log((e as any).code, (e as any).message) }
try { await c.patch(deployments, { namespace: 'default', name: 'shop' }, { type: 'merge', body: { spec: { replicas: 'x' } } }) } catch (e) { console.log((e as any).code, (e as any).message) }
try { await c.remove(deployments, { namespace: 'default', name: 'shop' }, {uid: 'nope'}) } catch (e) { console.log((e as any).code, (e as any).message) }
s.compact()
await c.remove(deployments, { namespace: 'default', name: 'shop' })
w.forget({ namespace: 'default', name: 'shop' })
await new Promise(r => setTimeout(r, 500))
console.log(seen)
const pw = c.watch(pods, { namespace: 'default' }, () => {})
await pw.synced
console.log(pw.list().length)
await c.close(); await s.stop()
