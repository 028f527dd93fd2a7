/** Lines that a file may have, empty ones and comments included. */
const MOST_LINES = 300;
/** Tests, what only tests need, and data. */
const EXEMPT = /\.test\.ts$|\/testing\/|\/testdata\//;

/**
 * Whether a file is too long to be read as one idea.
 *
 * @param {string} path
 * @param {string} text of the file
 */
export function isTooLong(path, text) {
  return !EXEMPT.test(path) && text.trimEnd().split("\n").length > MOST_LINES;
}
