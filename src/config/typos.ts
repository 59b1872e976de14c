import { distance } from 'fastest-levenshtein';

/** Names of others that look like a misspelt one of ours: the locale's LANGUAGE is set on most machines. */
const INNOCENT = new Set(['LANGUAGE', 'HTTP_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']);

/** Prefixes that are ours, or nearly: a name with one of them is allowed more wrong letters. */
const OWN_PREFIX = /^(SLACK_|KG_|JUPYTER_GATEWAY_)/;

/** One warning for each variable that is no setting but nearly the name of one. */
export function warnOfMisspelt(given: readonly string[], known: readonly string[]): string[] {
  const settings = new Set(known);
  return given
    .filter((name) => !settings.has(name) && !INNOCENT.has(name))
    .flatMap((name) => {
      const nearest = nearestNames(name, known, Math.floor(name.length / (OWN_PREFIX.test(name) ? 2.5 : 5)));
      return nearest.length === 0 ? [] : [`${name} is not a setting; did you mean ${nearest.join(' or ')}?`];
    });
}

/** The names at the least distance, when that is at most `limit`. */
function nearestNames(name: string, known: readonly string[], limit: number): string[] {
  const measured = known.map((each) => ({ each, off: distance(name, each) }));
  const least = Math.min(...measured.map(({ off }) => off));
  return least > limit ? [] : measured.filter(({ off }) => off === least).map(({ each }) => each);
}
