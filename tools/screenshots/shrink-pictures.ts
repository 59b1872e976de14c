import { cleanEnvironment } from '../../demo/clean-environment.ts';
import { runTool } from '../../demo/provision/run-tool.ts';

const script = `
import pathlib, sys
from PIL import Image
for path in pathlib.Path(sys.argv[1]).glob("*.png"):
    picture = Image.open(path)
    if picture.mode != "P":
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
`;

/**
 * Gives each PNG of a folder a palette: enough for what is mostly paper and ink, and less than half the size.
 * @param python one that has Pillow
 */
export async function shrinkPictures(python: string, folder: string): Promise<void> {
  const done = await runTool(python, ['-c', script, folder], { env: cleanEnvironment(process.env) });
  if (done.code !== 0) throw new Error(`the pictures could not be made small:\n${done.stderr}`);
}
