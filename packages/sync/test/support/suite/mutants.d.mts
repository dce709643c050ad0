import type * as sync from '@strait/sync'

export const mutants: Record<string, (real: typeof sync) => object>
export function kindsOf(real: typeof sync, mutant: string | undefined): object
