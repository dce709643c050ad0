import type { Job } from './job.js'

/** Jobs in order, of which any can be taken out. A job is in one list at most. */
export class JobList {
  #first: Job | undefined
  #last: Job | undefined
  length = 0

  get first(): Job | undefined {
    return this.#first
  }

  get last(): Job | undefined {
    return this.#last
  }

  push(job: Job): void {
    job.previous = this.#last
    job.next = undefined
    if (this.#last === undefined) this.#first = job
    else this.#last.next = job
    this.#last = job
    this.length++
  }

  unshift(job: Job): void {
    job.previous = undefined
    job.next = this.#first
    if (this.#first === undefined) this.#last = job
    else this.#first.previous = job
    this.#first = job
    this.length++
  }

  delete(job: Job): void {
    if (job.previous === undefined) this.#first = job.next
    else job.previous.next = job.next
    if (job.next === undefined) this.#last = job.previous
    else job.next.previous = job.previous
    job.previous = undefined
    job.next = undefined
    this.length--
  }

  shift(): Job | undefined {
    const job = this.#first
    if (job !== undefined) this.delete(job)
    return job
  }
}
