import { median } from '../median.js'
import { spreadOf } from '../spread.js'

/** Figures in repeats, which should not differ. */
export class Samples {
  readonly #repeats: number[][] = []

  /** What is added from now on is compared with what was added before. */
  begin(): void {
    this.#repeats.push([])
  }

  add(figure: number): void {
    this.#repeats.at(-1)!.push(figure)
  }

  /** Of all of them together. */
  median(): number {
    return median(this.#repeats.flat())
  }

  /** How far apart the medians of the repeats lie. */
  spread(): number {
    return spreadOf(this.#repeats.map(median))
  }
}
