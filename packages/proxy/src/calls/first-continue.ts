/**
 * Tells the first 100 (Continue) to a request from further ones, and from other interim answers: a
 * client may wait for it with its body, so no limit of interim answers holds it.
 */
export class FirstContinue {
  #came = false;

  /** Whether the interim answer that has just come is it. */
  comes(status: number | undefined): boolean {
    const isFirst = status === 100 && !this.#came;
    this.#came ||= isFirst;
    return isFirst;
  }
}
