/**
 * The whole number at this place behind the program's name, or else `otherwise`. Ends the process with the usage when
 * something else stands there, or more than `usage` names: a measurement of nothing looks like one.
 */
export function givenNumber(place: number, otherwise: number, usage: string): number {
  const given = process.argv[2 + place];
  const most = usage.split(' ').length - 2;
  if (process.argv.length - 2 <= most && (given === undefined || /^[1-9]\d*$/.test(given)))
    return Number(given ?? otherwise);
  process.stderr.write(`usage: ${usage}\n`);
  process.exit(78);
}
