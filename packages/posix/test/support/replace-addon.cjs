// Loads the addon that STRAIT_TEST_ADDON names in place of the built one.
const { dlopen } = process
process.dlopen = (module, path, ...rest) =>
  dlopen.call(
    process,
    module,
    path.endsWith('strait_posix.node') ? process.env.STRAIT_TEST_ADDON : path,
    ...rest,
  )
