/**
 * A long text in pieces of so many UTF-16 units. Each is a copy: a slice that somebody holds holds the whole text in
 * memory.
 */
export function* piecesOf(text: string, units: number): Generator<string> {
  if (text.length <= units) return yield text;
  for (let at = 0; at < text.length; at += units) yield structuredClone(text.slice(at, at + units));
}
