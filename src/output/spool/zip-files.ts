import { createWriteStream, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/**
 * Writes a zip archive of these files under their names, as they are: pictures are compressed already. A file that is
 * gone is left out. Rejects where the disk refuses.
 */
export async function zipFiles(path: string, files: readonly string[]): Promise<void> {
  const archive = new ZipFile();
  const written = createWriteStream(path);
  archive.on('error', (error: Error) => written.destroy(error));
  for (const file of files) if (existsSync(file)) archive.addFile(file, basename(file), { compress: false });
  archive.end();
  await pipeline(archive.outputStream, written);
}
