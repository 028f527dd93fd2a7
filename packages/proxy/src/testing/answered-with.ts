/**
 * Has a destination answer until all calls are answered, also those that reach it only because
 * others were.
 *
 * @param answerOne answers one that hangs, if any
 */
export async function answeredWith<T>(answerOne: () => void, answers: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  answers.then(over, over);
  while (!isOver) {
    answerOne();
    await new Promise(setImmediate);
  }
  return answers;
}
