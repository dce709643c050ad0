import assert from 'node:assert/strict'
import { once } from 'node:events'
import { accessSync, chmodSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAddress } from '@strait/core'
import { digest, expected, pattern } from '../pattern.js'
import type { RemoteError } from '../remote.js'
import type { Clause } from '../suite.js'
import { rejectsWith, settlesSoon, throwsWith } from './helpers.js'

const NOBODY = 65534

export function C10(clause: Clause): void {
  const { transport } = clause.subject
  const scheme = transport.schemes[0]!

  clause.named('C10 when listen has resolved, connect succeeds, at the URL as printed', async (trial) => {
    const listener = await trial.listen()
    const connected = await trial.connect(parseAddress(listener.url.href, 'test'))
    const accepted = trial.keep((await listener.accept())!)
    await connected.send(pattern(0, 9))
    assert.equal(digest((await accepted.receive())!), expected(0, [9])[0])
  })

  clause.named('C10 a listener accepts many, in the order in which they came', async (trial) => {
    const listener = await trial.listen()
    for (let index = 0; index < 20; index++) {
      const connected = await trial.connect(listener.url)
      await connected.send(pattern(index, 9))
    }
    for (let index = 0; index < 20; index++) {
      const accepted = trial.keep((await listener.accept())!)
      assert.equal(digest((await accepted.receive())!), expected(index, [9])[0])
    }
  })

  clause.named('C10 a name in use is ADDRESS_IN_USE, and its listener goes on', async (trial) => {
    const listener = await trial.listen()
    const error = await rejectsWith(trial.listen({}, listener.url), 'ADDRESS_IN_USE')
    assert.equal(error.operation, 'listen')
    assert.equal(error.url, listener.url.href)
    await trial.connect(listener.url)
    trial.keep((await listener.accept())!)
  })

  clause.named('C10 nobody there is REFUSED', async (trial) => {
    const listener = await trial.listen()
    const { url } = listener
    await listener.close()
    const error = await rejectsWith(trial.connect(url), 'REFUSED')
    assert.equal(error.operation, 'connect')
    assert.ok(error.message.includes(url.href))
  })

  clause.named('C10 with `wait` the ends start in either order', async (trial) => {
    const { url, close } = await trial
      .listen()
      .then((listener) => ({ url: listener.url, close: () => listener.close() }))
    await close()
    const connecting = Array.from({ length: 3 }, () => trial.connect(url, { wait: 60_000 }))
    assert.equal(await settlesSoon(Promise.race(connecting)), false)
    const listener = await trial.listen({}, url)
    // In whichever order they come.
    for (const channel of await Promise.all(connecting)) await channel.send(pattern(0, 9))
    for (const _ of connecting) {
      const accepted = trial.keep((await listener.accept())!)
      assert.equal((await accepted.receive())!.length, 9)
    }
  })

  clause.named('C10 a `wait` ends with REFUSED, or with its signal', async (trial) => {
    const listener = await trial.listen()
    const { url } = listener
    await listener.close()
    const { cause } = await rejectsWith(trial.connect(url, { wait: 30 }), 'REFUSED')
    await rejectsWith(Promise.reject(cause), 'REFUSED')
    const controller = new AbortController()
    const connecting = trial.connect(url, { wait: 60_000, signal: controller.signal })
    assert.equal(await settlesSoon(connecting), false)
    controller.abort()
    await rejectsWith(connecting, 'ABORTED')
    await assert.rejects(trial.connect(url, { wait: -1 }), RangeError)
  })

  clause.named('C10 a closed listener gives its name back, and accepted channels live on', async (trial) => {
    const listener = await trial.listen()
    const connected = await trial.connect(listener.url)
    const accepted = trial.keep((await listener.accept())!)
    await listener.close()
    await trial.listen({}, listener.url)
    await connected.send(pattern(0, 9))
    assert.equal(digest((await accepted.receive())!), expected(0, [9])[0])
  })

  clause.named(
    'C10 a killed listener leaves a name that refuses and that the next one gets',
    async (trial) => {
      if (transport.capabilities.scope === 'process') return
      const host = trial.host()
      const { url } = await host.call<{ url: string }>('listen', trial.address().href, {})
      await host.kill()
      await rejectsWith(trial.connect(parseAddress(url, 'test')), 'REFUSED')
      const listener = await trial.listen({}, parseAddress(url, 'test'))
      await trial.connect(listener.url)
      trial.keep((await listener.accept())!)
    },
  )

  clause.named('C10 of many that listen at once exactly one wins', async (trial) => {
    const { url, close } = await trial
      .listen()
      .then((listener) => ({ url: listener.url, close: () => listener.close() }))
    await close()
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => trial.listen({}, url)))
    const won = outcomes.filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') await rejectsWith(Promise.reject(outcome.reason), 'ADDRESS_IN_USE')
    }
  })

  clause.once('C10 malformed addresses are ADDRESS_INVALID', async () => {
    const bad = [
      '',
      scheme,
      `${scheme.toUpperCase()}:x`,
      `${scheme}:a/../b`,
      `${scheme}:/tmp/%2e%2E/b`,
      `${scheme}:/a/./b`,
      `${scheme}:x#fragment`,
      ` ${scheme}:x`,
      `${scheme}:x\n`,
      `${scheme}:a b`,
      `${scheme}:a\\b`,
      `${scheme}://user@host:1`,
      `${scheme}://user:password@host:1`,
    ]
    for (const address of bad) throwsWith(() => parseAddress(address, 'connect'), 'ADDRESS_INVALID')
  })

  clause.named('C10 unknown and repeated parameters are ADDRESS_INVALID', async (trial) => {
    const address = trial.address()
    for (const query of ['?colour=blue', '?=', '?a=1&a=2']) {
      const url = new URL(address.href + query)
      await rejectsWith(transport.connect!(url), 'ADDRESS_INVALID')
      await rejectsWith(transport.listen!(url), 'ADDRESS_INVALID')
    }
  })

  clause.once('C10 options out of range are a RangeError', async (trial) => {
    const make = async (options: object) => {
      if (transport.pair !== undefined) return transport.pair(options)
      if (transport.listen !== undefined) return trial.listen(options)
      return trial.couple(options)
    }
    for (const maxMessageSize of [-1, 1.5, Number.NaN, 2 ** 31])
      await assert.rejects(make({ maxMessageSize }), RangeError)
    await assert.rejects(make({ key: '' }), RangeError)
    await assert.rejects(make({ idleTimeout: 0 }), RangeError)
  })
}

export function C13(clause: Clause): void {
  const { transport } = clause.subject

  clause.named('C13 ends with the same key meet; the key may be text or its bytes', async (trial) => {
    const { near, far } = await trial.couple({ key: 'open sesame' })
    await near.send(pattern(0, 9))
    assert.deepEqual((await far.receive(1)).digests, expected(0, [9]))
    const listener = await trial.listen({ key: 'sésame' })
    await trial.connect(listener.url, { key: new TextEncoder().encode('sésame') })
    trial.keep((await listener.accept())!)
  })

  clause.named(
    'C13 a wrong, missing or unexpected key is AUTH_FAILED, and the listener goes on',
    async (trial) => {
      const keyed = await trial.listen({ key: 'right' })
      const open = await trial.listen({})
      await rejectsWith(trial.connect(keyed.url, { key: 'wrong' }), 'AUTH_FAILED')
      const error = await rejectsWith(trial.connect(keyed.url), 'AUTH_FAILED')
      assert.ok(!error.message.includes('right'))
      await rejectsWith(trial.connect(open.url, { key: 'right' }), 'AUTH_FAILED')
      const connected = await trial.connect(keyed.url, { key: 'right' })
      const accepted = trial.keep((await keyed.accept())!)
      await connected.send(pattern(0, 9))
      assert.equal(digest((await accepted.receive())!), expected(0, [9])[0])
    },
  )

  clause.named(
    'C13 another user is refused where `private`, and elsewhere listen says that it is not',
    async (trial) => {
      const { capabilities } = transport
      if (capabilities.scope === 'process') return
      if (!capabilities.private) {
        const script = `import(${JSON.stringify(clause.subject.module)}).then(({ ${clause.subject.exported ?? 'transport'}: transport }) => {
        process.once('warning', (warning) => process.exit(warning.code === 'STRAIT_NOT_PRIVATE' ? 0 : 3))
        return transport.listen(new URL(${JSON.stringify(trial.address().href)}))
      })`
        const { spawn } = await import('node:child_process')
        const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
          stdio: 'inherit',
        })
        assert.deepEqual(await once(child, 'exit'), [0, null])
        return
      }
      if (process.geteuid?.() !== 0 || !readableByOthers(fileURLToPath(clause.subject.module!))) return
      chmodSync(trial.directory, 0o755)
      const listener = await trial.listen()
      const stranger = trial.stranger(NOBODY)
      const refusal = await stranger
        .call('connect', listener.url.href, { owner: process.geteuid() })
        .catch((error: RemoteError) => error.code)
      assert.equal(refusal, 'ERR_STRAIT_PERMISSION')
    },
  )
}

/** Whether another user could run the far end at all. */
function readableByOthers(path: string): boolean {
  for (let at = path; at !== '/'; at = at.slice(0, at.lastIndexOf('/')) || '/') {
    try {
      accessSync(at, constants.R_OK)
    } catch {
      return false
    }
  }
  return true
}
