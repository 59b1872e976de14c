import { WebAPIPlatformError, WebAPIRequestError, type WebClient } from '@slack/web-api';
import type { Sample } from './sample-messages.ts';

/** What Slack says against each sample, a line for each that it refuses. Throws where Slack cannot be reached. */
export async function validateSamples(
  client: Pick<WebClient, 'apiCall'>,
  samples: readonly Sample[],
): Promise<string[]> {
  const wrong: string[] = [];
  for (const sample of samples) {
    const given =
      'view' in sample ? { view: JSON.stringify(sample.view) } : { blocks: JSON.stringify(sample.blocks) };
    try {
      await client.apiCall('blocks.validate', given);
    } catch (error) {
      if (error instanceof WebAPIRequestError) throw error;
      wrong.push(`${sample.name}: ${reasonOf(error)}`);
    }
  }
  return wrong;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof WebAPIPlatformError)) return error instanceof Error ? error.message : String(error);
  const { error: code, response_metadata: about } = error.data;
  return [code, ...(about?.messages ?? [])].join(' ');
}
