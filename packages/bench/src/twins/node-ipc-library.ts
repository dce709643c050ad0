import type { Server, Socket } from 'node:net'
import type { ByteSource } from './boundaries.js'
import { Missing } from './missing.js'

/** What is used of node-ipc. Its events have no boundaries: `data` is what came at once. */
export interface NodeIpc {
  readonly config: object
  readonly server: NodeIpcServer
  readonly of: Readonly<Record<string, NodeIpcClient>>
  serve(path: string, started: () => void): void
  connectTo(id: string, path: string, connecting: () => void): void
}

interface NodeIpcServer extends ByteSource {
  readonly server: Server
  start(): void
  on(event: 'data', listener: (data: Buffer) => void): unknown
  on(event: 'connect', listener: (socket: Socket) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  emit(socket: Socket, message: Buffer): unknown
}

interface NodeIpcClient extends ByteSource {
  readonly socket: Socket
  emit(message: Buffer): unknown
}

/** Raw buffers, which are its fastest form; without a log; a peer that is gone is not tried again. */
const SETTINGS = {
  silent: true,
  rawBuffer: true,
  // Where bytes go through strings on their way, these are the ones that keep them.
  encoding: 'latin1',
  unlink: false,
  stopRetrying: true,
}

/** The module below benchmarks/peers that has the library, and an instance of it. */
export async function newNodeIpc(module: string): Promise<NodeIpc> {
  const url = new URL(`../../../../benchmarks/peers/${module}.mjs`, import.meta.url)
  try {
    const { IPCModule } = (await import(url.href)) as { IPCModule: new () => NodeIpc }
    const ipc = new IPCModule()
    Object.assign(ipc.config, SETTINGS)
    return ipc
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Missing('it comes with a clone of the repository, not with the package')
  }
}
