import type { Job } from './job.js'

/** Jobs in no order: cheaper than a Set, in which there would be many. */
export class JobBag {
  readonly #jobs: Job[] = []

  get size(): number {
    return this.#jobs.length
  }

  get all(): Job[] {
    return this.#jobs.slice()
  }

  add(job: Job): void {
    job.seat = this.#jobs.push(job) - 1
  }

  delete(job: Job): void {
    const last = this.#jobs.pop()!
    if (last === job) return
    this.#jobs[job.seat] = last
    last.seat = job.seat
  }
}
