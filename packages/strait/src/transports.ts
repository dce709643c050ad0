import { StraitError } from '@strait/core'
import { canStartPeers, type PeerTransport } from '@strait/core/node'

/** Every transport, loaded on first use. */
const LOADERS: Record<string, () => Promise<PeerTransport>> = {
  mem: async () => (await import('@strait/core')).mem,
  pipe: async () => (await import('@strait/transport-pipe')).pipe,
  fifo: async () => (await import('@strait/transport-fifo')).fifo,
  signal: async () => (await import('@strait/transport-signal')).signal,
  mq: async () => (await import('@strait/transport-mq')).mq,
  'sysv-mq': async () => (await import('@strait/transport-sysv-mq')).sysvMq,
  sem: async () => (await import('@strait/transport-sem')).sem,
  shm: async () => (await import('@strait/transport-shm')).shm,
  seqpacket: async () => (await import('@strait/transport-seqpacket')).seqpacket,
  unix: async () => (await import('@strait/transport-unix')).unix,
  tcp: async () => (await import('@strait/transport-tcp')).tcp,
  fork: async () => (await import('@strait/transport-fork')).fork,
  worker: async () => (await import('@strait/transport-worker')).worker,
  ws: async () => (await import('@strait/transport-ws')).ws,
  wss: async () => (await import('@strait/transport-ws')).wss,
  'zmq+tcp': async () => (await import('@strait/transport-zmq')).zmqTcp,
  'zmq+ipc': async () => (await import('@strait/transport-zmq')).zmqIpc,
}

/** The schemes that there are. */
export const schemes: readonly string[] = Object.keys(LOADERS)

/**
 * The transport of a scheme.
 *
 * - Errors: `ADDRESS_INVALID` there is no such scheme; `NOT_SUPPORTED` what it is made of does not load here.
 */
export async function loadTransport(
  scheme: string,
  operation = 'load',
  url: URL | string = `${scheme}:`,
): Promise<PeerTransport> {
  const load = Object.hasOwn(LOADERS, scheme) ? LOADERS[scheme] : undefined
  if (load === undefined) {
    const known = schemes.map((known) => `${known}:`).join(' ')
    const reason = `there is no transport '${scheme}:'; there are ${known}`
    throw new StraitError('ADDRESS_INVALID', reason, { operation, url })
  }
  try {
    return await load()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause
    const reason = StraitError.is(cause) ? cause.reason : `the transport does not load here: ${why}`
    throw new StraitError('NOT_SUPPORTED', reason, { operation, url, cause })
  }
}

/**
 * The schemes of which `spawnPeer` can start peers on this machine. `onMissing` is told of each transport that does
 * not load.
 */
export async function peerSchemes(onMissing: (error: StraitError) => void = () => {}): Promise<string[]> {
  const found: string[] = []
  for (const scheme of schemes) {
    try {
      if (canStartPeers(await loadTransport(scheme))) found.push(scheme)
    } catch (error) {
      onMissing(error as StraitError)
    }
  }
  return found
}
