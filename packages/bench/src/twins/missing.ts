/** Something that is measured only where it is installed is not there; `message` says what, and how to get it. */
export class Missing extends Error {}
