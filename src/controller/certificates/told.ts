/** Says a thing once, until there is another to say. */
export class Told {
  #last = ''

  /**
   * Whether this is news. '' is none, and makes what was told before news again.
   */
  isNews(text: string): boolean {
    if (text === this.#last) return false
    this.#last = text
    return text !== ''
  }
}
