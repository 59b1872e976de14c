import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { finished } from 'node:stream/promises';
import { crc32 } from 'node:zlib';

/** More than that the form of the archive cannot count. */
const maxFiles = 65_000;

const version = 20;
const namesAreUtf8 = 0x08_00;
const firstOfJanuary1980 = 0x00_21;

const localStart = Buffer.from('504b0304', 'hex');
const centralStart = Buffer.from(`504b0102${version.toString(16)}00`, 'hex');

/** Writes a zip archive of these files under their names, as they are: pictures are compressed already. */
export async function zipFiles(path: string, files: readonly string[]): Promise<void> {
  const archive = createWriteStream(path).on('error', () => {});
  const write = async (bytes: Buffer): Promise<void> => {
    if (!archive.write(bytes)) await once(archive, 'drain');
  };
  const directory: Buffer[] = [];
  let at = 0;
  try {
    for (const file of files.slice(0, maxFiles)) {
      const content = await readFile(file).catch(() => undefined);
      if (content === undefined) continue;
      const name = Buffer.from(basename(file));
      const about = aboutEntry(name, content);
      directory.push(Buffer.concat([centralStart, about, centralEnd(at), name]));
      const local = Buffer.concat([localStart, about, name]);
      await write(local);
      await write(content);
      at += local.length + content.length;
    }
    const listed = Buffer.concat(directory);
    await write(listed);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(directory.length, 8);
    end.writeUInt16LE(directory.length, 10);
    end.writeUInt32LE(listed.length, 12);
    end.writeUInt32LE(at, 16);
    await write(end);
    archive.end();
    await finished(archive);
  } catch (error) {
    archive.destroy();
    throw error;
  }
}

/** What a file's own header and the directory both say of it. */
function aboutEntry(name: Buffer, content: Buffer): Buffer {
  const about = Buffer.alloc(26);
  about.writeUInt16LE(version, 0);
  about.writeUInt16LE(namesAreUtf8, 2);
  about.writeUInt16LE(firstOfJanuary1980, 8);
  about.writeUInt32LE(crc32(content), 10);
  about.writeUInt32LE(content.length, 14);
  about.writeUInt32LE(content.length, 18);
  about.writeUInt16LE(name.length, 22);
  return about;
}

/** No comment, the first disk, no attributes, and where the file's own header stands. */
function centralEnd(at: number): Buffer {
  const end = Buffer.alloc(14);
  end.writeUInt32LE(at, 10);
  return end;
}
