export type Sample = Record<string, number> & { readonly at: number }

export interface Trend {
  readonly figure: string
  readonly grown: number
  readonly chance: number
  readonly tolerated: number
  readonly tooMuch: boolean
}

export const TOLERATED: Readonly<Record<string, number>>
export function growth(
  samples: readonly Sample[],
  figure: string,
): { readonly grown: number; readonly chance: number }
export function trends(samples: readonly Sample[]): Trend[]
