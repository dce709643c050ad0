import type { RegionHandle } from './native.js'

/** A region in which this environment has a slot, of the addon; see native/keeper.h. */
export type AttachmentHandle = { readonly attachment: unique symbol }

/** The addon's functions for locks; native/sync.cc says what each takes. */
export interface SyncNative {
  syncMap(descriptor: number): RegionHandle | number
  syncAttach(
    region: RegionHandle,
    descriptor: number,
    path: string,
    event: number,
    scarce: boolean,
  ): AttachmentHandle | number
  syncDetach(attachment: AttachmentHandle): number
  syncSlot(attachment: AttachmentHandle): number
  syncObject(attachment: AttachmentHandle, type: number, name: string, a: number, b: number): number
  syncRemove(attachment: AttachmentHandle, object: number): number
  syncTry(attachment: AttachmentHandle, object: number, op: number): number
  syncWait(attachment: AttachmentHandle, object: number, op: number, blocking: boolean): number
  syncWaitForNotice(attachment: AttachmentHandle, condition: number, blocking: number): number
  syncBlock(attachment: AttachmentHandle, waiter: number, ms: number): number
  syncCancel(attachment: AttachmentHandle, waiter: number): number
  syncRelease(attachment: AttachmentHandle, object: number, op: number): number
  syncMarkConsistent(attachment: AttachmentHandle, object: number): number
  syncAdd(attachment: AttachmentHandle, semaphore: number, count: number): number
  syncForget(attachment: AttachmentHandle, semaphore: number): number
  syncSet(attachment: AttachmentHandle, event: number): number
  syncClear(attachment: AttachmentHandle, event: number): number
  syncNotify(attachment: AttachmentHandle, condition: number, count: number): number
  syncNotifyAll(attachment: AttachmentHandle, condition: number): number
  syncBreak(attachment: AttachmentHandle, barrier: number, error: number): number
  syncReset(attachment: AttachmentHandle, barrier: number): number
  syncDrain(attachment: AttachmentHandle, pairs: Int32Array): number
  syncState(attachment: AttachmentHandle, object: number, numbers: Int32Array): number
  syncCheck(attachment: AttachmentHandle, object: number): number
  syncPoints(): string[]
  syncStopAt(point: string, count: number): number
  syncLayout(numbers: Int32Array): number
}
