import { check, native } from './native.js'

/**
 * From now on the kernel kills this process with SIGKILL when its parent ends, whichever way and whatever this process
 * does, also in the middle of an endless loop; PR_SET_PDEATHSIG in prctl(2).
 *
 * The parent is the _thread_ that started this process: one that a worker thread has started ends with that thread. Of one
 * that had ended before this call nothing is noticed; call it before the parent says something for the first time.
 *
 * - Errors: `NOT_SUPPORTED`.
 */
export function endWithParent(): void {
  check(native('endWithParent').endWithParent(), 'endWithParent', 'this process')
}
