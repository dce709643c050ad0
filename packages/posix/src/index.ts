export { BlockedCall } from './blocked-call.js'
export { endWithParent } from './end-with-parent.js'
export { EventFd, type EventFdOptions } from './event-fd.js'
export { Fifo, type FifoAccess, type FifoCreateOptions, type FifoOpenOptions } from './fifo.js'
export { inSlices } from './in-slices.js'
export { Mapping } from './mapping.js'
export { MemorySemaphore } from './memory-semaphore.js'
export {
  type MessagePriority,
  MessageQueue,
  type MessageQueueAccess,
  type MessageQueueAttributes,
  type MessageQueueCreateOptions,
  type MessageQueueOpenOptions,
  type QueuedMessage,
} from './message-queue.js'
export {
  NamedSemaphore,
  type NamedSemaphoreCreateOptions,
  type NamedSemaphoreOpenOptions,
} from './named-semaphore.js'
export {
  type BlockerHandle,
  check,
  isAgain,
  kernelError,
  type Meanings,
  type Native,
  native,
  type RegionHandle,
  type Rings,
  supported,
} from './native.js'
export type { AttachmentHandle } from './native-sync.js'
export { PidFd } from './pid-fd.js'
export { Pipe, type PipeOptions } from './pipe.js'
export { PIPE_BUF, PipeReader, PipeWriter, type ReadOptions } from './pipe-ends.js'
export { Readiness } from './readiness.js'
export { ReceivedDescriptor } from './received-descriptor.js'
export { PosixSemaphore } from './semaphore.js'
export {
  type Seal,
  SharedMemory,
  type SharedMemoryAdoptOptions,
  type SharedMemoryAnonymousOptions,
  type SharedMemoryCreateOptions,
  type SharedMemoryOpenOptions,
} from './shared-memory.js'
export {
  type QueuedSignal,
  type SignalAddress,
  SignalQueue,
  type SignalQueueOptions,
} from './signal-queue.js'
export { keyOf } from './sysv-key.js'
export {
  type SysvMessage,
  SysvMessageQueue,
  type SysvMessageQueueAttributes,
  type SysvMessageQueueCreateOptions,
  type SysvMessageQueueOpenOptions,
  type SysvReceiveType,
  type SysvSendType,
} from './sysv-message-queue.js'
export {
  type SysvPermitOptions,
  SysvSemaphore,
  type SysvSemaphoreCreateOptions,
  type SysvSemaphoreOpenOptions,
  type SysvSemaphoreUndoOptions,
} from './sysv-semaphore.js'
export {
  SysvSharedMemory,
  type SysvSharedMemoryCreateOptions,
  type SysvSharedMemoryOpenOptions,
} from './sysv-shared-memory.js'
export type { UnixAddress } from './unix-address.js'
export { peerCredentials, type UnixKind } from './unix-calls.js'
export { UnixListener, type UnixListenOptions } from './unix-listener.js'
export {
  type Received,
  type ReceiveOptions,
  type SendOptions,
  type UnixBindOptions,
  type UnixConnectOptions,
  UnixSocket,
} from './unix-socket.js'
export { BLOCK, Pollable } from './waiting.js'
