/**
 * Tells the first 100 (Continue) to a request from further ones, and from other interim answers. A
 * client may wait for it with its body, so the limit of interim answers does not apply to it.
 */
export class FirstContinue {
  #came = false;

  /** Whether the interim answer that has just come is the first 100. */
  comes(status: number | undefined): boolean {
    const isFirst = status === 100 && !this.#came;
    this.#came ||= isFirst;
    return isFirst;
  }
}
