/** The variables of the caller that a tool needs: where programs are, how to reach a package index, the language. */
const passedOn =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|LANG|LC_.*|TMPDIR|XDG_CACHE_HOME|XDG_CONFIG_HOME|PIP_.*|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/i;

/**
 * The caller's environment without what a child has no need of: no Slack token, no gateway password, no cloud key.
 * @param additions set on top; an undefined value takes the variable away
 */
export function cleanEnvironment(
  environment: NodeJS.ProcessEnv,
  additions: Record<string, string | undefined> = {},
): Record<string, string> {
  const wanted = { ...environment, ...additions };
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (value !== undefined && (passedOn.test(name) || name in additions)) clean[name] = value;
  }
  return clean;
}
