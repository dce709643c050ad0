import { readFileSync } from 'node:fs'

/** Whether a process runs. An orphan may stay a zombie for as long as init likes. */
export function runs(pid: number): boolean {
  try {
    // proc_pid_stat(5)
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)![0] !== 'Z'
  } catch {
    return false
  }
}

export const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

/** Resolves when none of them runs. */
export async function allEnded(pids: readonly number[]): Promise<void> {
  while (pids.some(runs)) await turn()
}
