const TAKES_CODE = /^(-e|-p|-pe|--eval|--print)$/
const ABOUT_CODE = /^--(eval|print|input-type)=|^-i$|^--interactive$/

/**
 * The options of this Node for a child that runs a file: those that say what code to run are not for it. A child of
 * `node -e` would otherwise run that code, and start a child.
 */
export function nodeArguments(own: readonly string[] = process.execArgv): string[] {
  return own.filter((option, index) => {
    const isCode = index > 0 && (TAKES_CODE.test(own[index - 1]!) || own[index - 1] === '--input-type')
    return !isCode && !TAKES_CODE.test(option) && !ABOUT_CODE.test(option) && option !== '--input-type'
  })
}
