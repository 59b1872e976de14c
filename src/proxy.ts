import { BlockList, isIP } from 'node:net';

/** The proxy for https and wss addresses, and the addresses that are reached without it. */
export interface ProxySettings {
  /** `http://user:password@host:3128/`, or https. */
  url: string;
  exceptions: readonly ProxyException[];
}

export interface ProxyException {
  /** A name or an address in lower case, or `*` for all. */
  host: string;
  /** `nameAndBelow`: a name and its subdomains. `below`: its subdomains alone. */
  kind: 'nameAndBelow' | 'below' | 'address' | 'subnet';
  /** Undefined: every port. */
  port: number | undefined;
}

/** The proxy's URL for this address; undefined if it is reached directly. Plain http and ws never use a proxy. */
export function proxyFor(address: string | URL, settings: ProxySettings | undefined): string | undefined {
  if (settings === undefined) return undefined;
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'wss:') return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = url.port === '' ? 443 : Number(url.port);
  const isExcepted = settings.exceptions.some(
    (exception) => (exception.port ?? port) === port && covers(exception, host),
  );
  return isExcepted ? undefined : settings.url;
}

/** The proxy's URL without user and password. */
export function shownProxy(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/** Reads `NO_PROXY` as curl, Go and Python do: names with their subdomains, addresses, subnets and `*`, each with an optional port. */
export function readExceptions(text: string): ProxyException[] {
  return text
    .split(/[\s,]+/)
    .filter((each) => each !== '')
    .map(readException);
}

function readException(text: string): ProxyException {
  const [, bracketed, named, digits] = /^(?:\[(.+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  // An IPv6 address without brackets has no port.
  const host = (bracketed ?? named ?? text).toLowerCase().replace(/(.)\.$/, '$1');
  const port = digits === undefined ? undefined : Number(digits);
  if (isIP(host) !== 0) return { host, kind: 'address', port };
  if (readSubnet(host) !== undefined) return { host, kind: 'subnet', port };
  if (host.startsWith('*.')) return { host: host.slice(2), kind: 'below', port };
  return { host: host.replace(/^\./, ''), kind: 'nameAndBelow', port };
}

function covers({ host: excepted, kind }: ProxyException, host: string): boolean {
  if (excepted === '*') return true;
  if (kind === 'subnet' || kind === 'address') return coversAddress(excepted, host);
  return (kind === 'nameAndBelow' && host === excepted) || host.endsWith(`.${excepted}`);
}

function coversAddress(excepted: string, host: string): boolean {
  const family = isIP(host);
  if (family === 0) return false;
  const list = new BlockList();
  const subnet = readSubnet(excepted);
  if (subnet === undefined) list.addAddress(excepted, isIP(excepted) === 6 ? 'ipv6' : 'ipv4');
  else list.addSubnet(subnet.address, subnet.bits, subnet.family);
  return list.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

function readSubnet(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [, address = '', digits] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  const bits = Number(digits);
  if (version === 0 || bits > (version === 6 ? 128 : 32)) return undefined;
  return { address, bits, family: version === 6 ? 'ipv6' : 'ipv4' };
}
