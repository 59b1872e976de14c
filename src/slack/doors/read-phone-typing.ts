/** A string in straight quotes (to the end of its line when unclosed), one in curly quotes, or a lone dash. */
const piece =
  /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[“”„‟][^“”„‟\n]*[“”„‟]?|[‘’‚‛][^‘’‚‛\n]*[‘’‚‛]?|[–—]/g;

/**
 * Undoes what phones and clever keyboards make of code that is typed outside code formatting, where it is certain:
 * - a no-break space is a space, everywhere: clients put it in by themselves;
 * - a curly quote is a straight one, for no language has curly ones; but inside a string in straight quotes it is the
 *   author's own, because a keyboard that bends quotes would have bent those too;
 * - an em dash outside a string is `--` and an en dash `-`; inside a string they are text.
 * Never for code inside a fence or inline code.
 */
export function undoPhoneTyping(typed: string): string {
  return typed.replaceAll(/[\u00A0\u202F]/g, ' ').replaceAll(piece, (found) => {
    if (found === '—') return '--';
    if (found === '–') return '-';
    if (found.startsWith('"') || found.startsWith("'")) return found;
    return found.replaceAll(/[“”„‟]/g, '"').replaceAll(/[‘’‚‛]/g, "'");
  });
}
