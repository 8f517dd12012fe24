/**
 * Puts what a user wrote between quotes for a message: white space becomes single spaces, control characters
 * (which a terminal would obey) become `?`, and a long text is cut.
 *
 * @param limit how many characters are shown at most
 */
export function quote(text: string, limit = 60): string {
  const flat = text.replace(/\s+/g, ' ').trim().replace(/\p{C}/gu, '?')
  const characters = [...flat]
  return characters.length <= limit ? `"${flat}"` : `"${characters.slice(0, limit - 1).join('')}…"`
}
