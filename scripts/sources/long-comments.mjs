/** Comments wrap at this column; the formatter leaves them as they are. */
const WIDTH = 100;

/**
 * Numbers of the lines that are comment alone, are too long, and could be broken: an address on the
 * web cannot.
 *
 * @param {string} text of a source file
 * @returns {number[]}
 */
export function longComments(text) {
  return text.split("\n").flatMap((line, index) => {
    const isComment = /^\s*(\/\/|\/\*|\*)/.test(line);
    return isComment && line.length > WIDTH && !/https?:\/\//.test(line) ? [index + 1] : [];
  });
}
